//! Snapshots of what changes from run to run.

use std::path::Path;

/// insta's settings with filters that hide what differs between two runs: the sandbox's path, run ids, SHA-256 digests,
/// tracking ids, elapsed times, the address of a local server, and blanks at the ends of lines.
/// `filters(path).bind(|| assert_snapshot!(...))`.
pub fn filters(sandbox: &Path) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&escape(&sandbox.to_string_lossy()), "<sandbox>");
    for (pattern, name) in REDACTIONS {
        settings.add_filter(pattern, name);
    }
    settings
}

const REDACTIONS: [(&str, &str); 6] = [
    (r"\b\d{8}T\d{9}Z-[0-9a-f]{8}\b", "<run>"),
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"\bin \d+(\.\d+)? ?(ns|µs|us|ms|s|min)\b", "in <time>"),
    (r"\b127\.0\.0\.1:\d+", "<server>"),
    (r"(?m)[ \t]+$", ""),
];

/// Compares a run's [`Output`](crate::Output) with an inline snapshot, [redacted](filters):
/// `assert_run!(sandbox.run(env!("CARGO_BIN_EXE_eda"), &[]), @"...")`.
#[macro_export]
macro_rules! assert_run {
    ($output:expr, @$snapshot:literal) => {{
        let output: $crate::Output = $output;
        $crate::filters(&output.sandbox).bind(|| {
            $crate::insta::assert_snapshot!(output, @$snapshot);
        });
    }};
}

/// A regular expression that matches a text and nothing else.
fn escape(text: &str) -> String {
    let special = |c: char| c.is_ascii_punctuation() && c != '/' && c != '-' && c != '_';
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_two_runs_is_hidden_and_nothing_else() {
        let text = [
            "/tmp/covid-a.b(1)/store, not /tmp/covid-aXb(1)/store",
            "20300102T030405000Z-0123abcd",
            &"0123456789abcdef".repeat(2),
            &"0123456789abcdef".repeat(4),
            "in 1.23 s, in 45ms, in 7 days, 0.0768  ",
            "http://127.0.0.1:4567/x, not http://127.0.0.1/x",
        ]
        .join("\n");
        filters(Path::new("/tmp/covid-a.b(1)")).bind(|| {
            insta::assert_snapshot!(text, @r"
            <sandbox>/store, not /tmp/covid-aXb(1)/store
            <run>
            <id>
            <sha256>
            in <time>, in <time>, in 7 days, 0.0768
            http://<server>/x, not http://127.0.0.1/x
            ");
        });
    }
}
