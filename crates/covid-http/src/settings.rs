//! How patient a client is.

use std::time::Duration;

/// How long a client waits, and how often it tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// The longest that a connection may take to be made.
    pub connect_timeout: Duration,
    /// The longest that a server may be silent while it owes an answer, or the rest of one.
    pub idle_timeout: Duration,
    /// The longest that one try may take, so that a server which sends a byte now and then does not keep it for ever.
    pub try_timeout: Duration,
    /// Tries of one request, at least 1; 0 counts as 1.
    pub tries: u32,
    /// The wait before the second try; it doubles with each further one.
    pub backoff: Duration,
    /// The longest wait between two tries. A server that asks for a longer one (`Retry-After`) is not asked again.
    pub longest_wait: Duration,
    /// Redirections that are followed for one request.
    pub redirects: usize,
}

impl Default for HttpSettings {
    /// Made for a person who waits for a public server: some seconds for what passes, and minutes for a large body.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            try_timeout: Duration::from_secs(300),
            tries: 4,
            backoff: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            redirects: 5,
        }
    }
}
