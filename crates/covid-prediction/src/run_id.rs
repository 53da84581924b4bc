//! Ids of runs: the creation time and a random suffix, so that they sort by time.

use std::fmt;

use covid_core::Timestamp;
use serde::{Deserialize, Serialize};

/// `20300102T030405000Z-1a2b3c4d`: creation time in UTC to the millisecond, and 8 random hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new id for a run that is made now.
    pub fn new(now: Timestamp) -> Self {
        Self(format!("{}-{:08x}", now.strftime("%Y%m%dT%H%M%S%3fZ"), rand::random::<u32>()))
    }

    /// The id in the name of an object, as it was written.
    pub fn from_name(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the run was made; none if the id is not one of ours.
    pub fn created_at(&self) -> Option<Timestamp> {
        let (time, _) = self.0.split_once('-')?;
        // `%S` and `%3f` cannot be told apart without the point between them.
        let (seconds, milliseconds) = time.strip_suffix('Z')?.split_at_checked(15)?;
        let text = format!("{seconds}.{milliseconds}Z");
        Timestamp::strptime("%Y%m%dT%H%M%S%.f%z", text.replace('Z', "+0000")).ok()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_time() {
        let now: Timestamp = "2030-01-02T03:04:05.678Z".parse().unwrap();
        let id = RunId::new(now);
        assert!(id.as_str().starts_with("20300102T030405678Z-"), "{id}");
        assert_eq!(id.created_at(), Some(now));
        for foreign in ["", "x", "20300102T-1", "20300102T030405678Z"] {
            assert_eq!(RunId::from_name(foreign).created_at(), None, "{foreign}");
        }
    }
}
