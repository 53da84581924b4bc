//! The headers that a download looks at.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::{
    Response,
    header::{self, HeaderMap, HeaderName},
};

use crate::Validators;

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// By what the server will know this version of the body again.
pub(crate) fn validators(response: &Response) -> Validators {
    let owned = |name| text(response.headers(), name).map(str::to_owned);
    Validators { etag: owned(header::ETAG), last_modified: owned(header::LAST_MODIFIED) }
}

/// How long the server asks to wait: seconds, or until a date, which is compared with the server's own clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let wish = text(headers, header::RETRY_AFTER)?;
    if let Ok(seconds) = wish.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = |text: &str| rfc2822::parse(text).ok().map(|date| date.timestamp().as_second());
    let seconds = at(wish)?.saturating_sub(at(text(headers, header::DATE)?)?);
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Which part of a body an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// The first byte of the part; none where the server has no such part.
    pub(crate) first: Option<u64>,
    /// Bytes of the whole, if the server says so.
    pub(crate) total: Option<u64>,
}

/// Reads `Content-Range`: `bytes 5-9/10`, `bytes 5-9/*`, `bytes */10`.
pub(crate) fn content_range(headers: &HeaderMap) -> Option<ContentRange> {
    let (range, total) = text(headers, header::CONTENT_RANGE)?.strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-').and_then(|(first, _)| first.trim().parse().ok());
    Some(ContentRange { first, total: total.trim().parse().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<const N: usize>(pairs: [(HeaderName, &'static str); N]) -> HeaderMap {
        pairs.into_iter().map(|(name, value)| (name, header::HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_wait_is_given_in_seconds_or_as_a_date() {
        let wait = |pairs| retry_after(&pairs).map(|wait| wait.as_secs());
        assert_eq!(wait(headers([(header::RETRY_AFTER, "120")])), Some(120));
        let date = (header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait(headers([date.clone(), (header::RETRY_AFTER, "Sun, 06 Nov 1994 08:51:37 GMT")])), Some(120));
        assert_eq!(wait(headers([date, (header::RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT")])), Some(0));
        assert_eq!(wait(headers([(header::RETRY_AFTER, "Sun, 06 Nov 1994 08:51:37 GMT")])), None);
        assert_eq!(wait(headers([(header::RETRY_AFTER, "soon")])), None);
    }

    #[test]
    fn a_part_is_named_by_its_first_byte_and_the_whole() {
        let range = |text| content_range(&headers([(header::CONTENT_RANGE, text)]));
        let part = |first, total| Some(ContentRange { first, total });
        assert_eq!(range("bytes 5-9/10"), part(Some(5), Some(10)));
        assert_eq!(range("bytes 5-9/*"), part(Some(5), None));
        assert_eq!(range("bytes */10"), part(None, Some(10)));
        assert_eq!(range("lines 1-2/3"), None);
        assert_eq!(range("bytes"), None);
    }
}
