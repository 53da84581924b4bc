//! Addresses in messages, without their secrets.

/// What stands in the place of a secret.
pub const REDACTED: &str = "<redacted>";

/// A text that is or was meant to be an address, fit for messages: without what may be a user and password, a query and a
/// fragment.
///
/// It is not parsed, for what is mistyped shall be safe, too: everything before the last `@` goes, but for a scheme, and
/// everything after the first `?` or `#` of the rest.
pub fn redact(text: &str) -> String {
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let scheme = text.find("://").map_or("", |at| &text[..at + 3]);
    let scheme = if is_scheme(scheme.trim_end_matches("://")) { scheme } else { "" };
    let rest = &text[scheme.len()..];
    let (user, place) = match rest.rsplit_once('@') {
        Some((_, place)) => (format!("{REDACTED}@"), place),
        None => (String::new(), rest),
    };
    let (place, hidden) = place.split_at(place.find(['?', '#']).unwrap_or(place.len()));
    let mark = hidden.chars().next();
    let hidden = mark.map(|mark| format!("{mark}{REDACTED}")).unwrap_or_default();
    format!("{scheme}{user}{place}{hidden}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_left() {
        for (text, shown) in [
            ("http://me:secret@host:5000/a", "http://<redacted>@host:5000/a"),
            ("me:secret@host:5000", "<redacted>@host:5000"),
            ("postgresql://user:se/cret@host/db", "postgresql://<redacted>@host/db"),
            ("postgresql://h/db?password=secret", "postgresql://h/db?<redacted>"),
            ("http://me:sec?ret@host", "http://<redacted>@host"),
            ("http://me:sec#ret@host#secret", "http://<redacted>@host#<redacted>"),
            ("me:secret://a@host", "<redacted>@host"),
            ("http://me:se@cret@host", "http://<redacted>@host"),
            ("secret@", "<redacted>@"),
            ("embedded:./store/tracking.db", "embedded:./store/tracking.db"),
            ("://", "://"),
            ("é", "é"),
            ("", ""),
        ] {
            assert_eq!(redact(text), shown);
        }
    }
}
