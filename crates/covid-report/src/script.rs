//! Scripts of ours in a page: their data, and the policy by which the browser runs nothing else.

use serde::Serialize;

/// What every script of a page builds on; it comes before them.
pub(crate) const SHARED: &str = include_str!("shared.js");
/// The style of whatever a reader picks a location in.
pub(crate) const STYLE: &str = include_str!("shared.css");

/// The data of a script, as an element of the page.
pub(crate) fn data(id: &str, value: &impl Serialize) -> String {
    // Dates, text and numbers always have a JSON form.
    let json = serde_json::to_string(value).unwrap_or_default();
    format!("<script type=\"application/json\" id=\"{id}\">{}</script>\n", inert(&json))
}

/// JSON that may stand in a `<script>` element whatever names it holds: no character of markup is left, and each is
/// inside a string, where JSON has another way to write it.
fn inert(json: &str) -> String {
    let mut inert = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => inert.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => inert.push(c),
        }
    }
    inert
}

/// What the browser may do with a page: nothing but show it, and run our own scripts.
pub(crate) fn policy(scripts: &[&str]) -> String {
    let hashes = scripts.iter().map(|script| format!("'sha256-{}'", base64(&sha256(script.as_bytes()))));
    let allowed = if scripts.is_empty() { "'none'".into() } else { hashes.collect::<Vec<_>>().join(" ") };
    format!("default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; script-src {allowed}")
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let hex = covid_core::sha256_hex(bytes);
    (0..hex.len()).step_by(2).filter_map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let padded = digit > group.len();
            text.push(if padded { '=' } else { char::from(DIGITS[bits >> (18 - 6 * digit) & 63]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{explorer, fans};

    #[test]
    fn a_hash_is_base64() {
        let hashed = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        assert!(hashed.iter().all(|(bytes, text)| base64(bytes.as_bytes()) == *text));
        let empty = base64(&sha256(b""));
        assert_eq!(empty, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert!(policy(&[]).ends_with("script-src 'none'"));
        assert!(policy(&["", ""]).ends_with(&format!("script-src 'sha256-{empty}' 'sha256-{empty}'")));
    }

    #[test]
    fn no_script_or_style_can_end_its_own_element() {
        for script in [SHARED, explorer::SCRIPT, fans::SCRIPT] {
            assert!(!script.contains("</script") && !script.contains("<!--"));
        }
        assert!(![STYLE, fans::STYLE].iter().any(|style| style.contains("</style")));
    }
}
