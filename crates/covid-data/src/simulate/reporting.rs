//! What is published of an epidemic: late, less at weekends, weekly in some places, not at all for some days, and
//! corrected at times.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{
    binomial,
    epidemic::{Events, Traits},
};

/// A place's health authority.
#[derive(Debug)]
pub(super) struct Reporter {
    /// Share of what is known that is published on a day, by weekday.
    published_share: [f64; 7],
    /// From which day on it reports weekly, and on which weekday.
    weekly: Option<(usize, usize)>,
    /// The day on which an authority that has fallen silent publishes again.
    silent_until: usize,
    cases: Ledger,
    deaths: Ledger,
}

/// Work done at the weekend, relative to other days; the first date is a Wednesday, weekday 0 here.
const ACTIVITY: [f64; 7] = [1.0, 1.0, 1.0, 0.6, 0.35, 0.85, 1.0];

impl Reporter {
    pub(super) fn draw(traits: &Traits, random: &mut ChaCha8Rng) -> Self {
        let (speed, rhythm) = (random.random_range(0.6..0.9), random.random_range(0.1..1.0));
        let weekly_from = [traits.import_day, traits.import_day + 150, 300][random.random_range(0..3)];
        let weekday = random.random_range(0..7);
        Self {
            published_share: ACTIVITY.map(|activity| speed * (1.0 - rhythm * (1.0 - activity))),
            weekly: (random.random::<f64>() < 0.12).then_some((weekly_from, weekday)),
            silent_until: 0,
            cases: Ledger::new(1.0 / 500.0, 100),
            deaths: Ledger::new(1.0 / 700.0, 15),
        }
    }

    /// The cumulative cases and deaths that are published on a day.
    pub(super) fn publish(&mut self, day: usize, events: Events, random: &mut ChaCha8Rng) -> [f64; 2] {
        let share = self.share(day, random);
        [
            self.cases.publish(events.detected, share, random) as f64,
            self.deaths.publish(events.deaths, share, random) as f64,
        ]
    }

    /// The share of what is known that is published on a day.
    fn share(&mut self, day: usize, random: &mut ChaCha8Rng) -> f64 {
        if let Some((_, weekday)) = self.weekly.filter(|(from, _)| day >= *from) {
            return f64::from(u8::from(day % 7 == weekday));
        }
        if random.random::<f64>() < 1.0 / 60.0 {
            self.silent_until = day + random.random_range(1..6);
        }
        let effort: f64 = random.random_range(0.6..1.0);
        if day < self.silent_until { 0.0 } else { effort * self.published_share[day % 7] }
    }
}

/// One target's books.
#[derive(Debug)]
struct Ledger {
    published: u64,
    /// Known and not yet published.
    waiting: u64,
    /// Probability of a correction on a day, and the count from which there are any.
    corrections: (f64, u64),
}

impl Ledger {
    fn new(probability: f64, from: u64) -> Self {
        Self { published: 0, waiting: 0, corrections: (probability, from) }
    }

    fn publish(&mut self, new: u64, share: f64, random: &mut ChaCha8Rng) -> u64 {
        self.waiting += new;
        let published = binomial(self.waiting, share, random);
        self.waiting -= published;
        self.published += published;
        // Corrections come with a publication: a weekly report stays unchanged during the week.
        if share > 0.0 {
            self.correct(random);
        }
        self.published
    }

    /// Old records are gone through: duplicates are taken out, or cases that were overlooked are added, some percent of
    /// the count at most.
    fn correct(&mut self, random: &mut ChaCha8Rng) {
        let (probability, from) = self.corrections;
        let chance: f64 = random.random();
        if self.published < from || chance > 2.0 * probability {
            return;
        }
        if chance < probability {
            self.published -= self.share_of_published(0.02, random);
        } else {
            self.published += self.share_of_published(0.08, random);
        }
    }

    fn share_of_published(&self, largest: f64, random: &mut ChaCha8Rng) -> u64 {
        (self.published as f64 * random.random_range(0.0005..largest)).ceil() as u64
    }
}
