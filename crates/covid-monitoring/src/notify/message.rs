//! What people read.

use covid_core::{Timestamp, one_line};

use crate::{Event, Notice};

/// A notice on its way to a sink.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    /// The same for every try of this notice and sink, and for no other.
    pub(super) id: &'a str,
    /// When it was first to be sent.
    pub(super) created_at: Timestamp,
    /// The present.
    pub(super) now: Timestamp,
    pub(super) notice: &'a Notice,
}

impl Message<'_> {
    /// Severity, rule, event and dataset in one line.
    pub(super) fn title(&self) -> String {
        let Notice { dataset, event, alert, .. } = self.notice;
        one_line(&format!("[{}] {} {event} for {dataset}", alert.severity, alert.rule)).into_owned()
    }

    /// What is, or was, wrong, in one line.
    pub(super) fn sentence(&self) -> String {
        let sentence = one_line(&self.notice.alert.sentence);
        match self.notice.event {
            Event::Raised => format!("{sentence}."),
            Event::Recovered => format!("It stands no more. It was: {sentence}."),
        }
    }

    /// What else is known, each with its name.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let Notice { alert, as_of, run, report, .. } = self.notice;
        let mut facts = vec![
            ("At fault", alert.blame.to_string()),
            ("Since", alert.since.to_string()),
            ("As of", as_of.to_string()),
            ("Monitoring run", run.clone()),
        ];
        facts.extend(report.iter().map(|report| ("Report", one_line(report).into_owned())));
        facts
    }
}

/// A notice to try things out with.
#[cfg(test)]
pub(super) fn example() -> Notice {
    use covid_core::Date;

    use crate::{Alert, Blame, Severity};
    Notice {
        dataset: "jhu".into(),
        event: Event::Raised,
        alert: Alert {
            rule: "rmsle".into(),
            blame: Blame::Model,
            severity: Severity::Critical,
            since: Date::constant(2022, 8, 1),
            value: 0.25,
            limit: 0.125,
            sentence: "RMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days".into(),
        },
        as_of: Date::constant(2022, 8, 3),
        run: "20220803T060000000Z-0123abcd".into(),
        report: Some("jhu/monitoring/reports/as_of=2022-08-03/report.html".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_in_lines() {
        let mut notice = example();
        notice.alert.rule = "two\r\nlines".into();
        let (id, now) = ("0", Timestamp::UNIX_EPOCH);
        let message = Message { id, created_at: now, now, notice: &notice };
        assert_eq!(message.title(), "[critical] two lines raised for jhu");
        assert_eq!(message.sentence(), "RMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days.");
        let notice = Notice { event: Event::Recovered, ..example() };
        let message = Message { notice: &notice, ..message };
        assert_eq!(message.title(), "[critical] rmsle recovered for jhu");
        assert!(message.sentence().starts_with("It stands no more. It was: RMSLE over"));
    }
}
