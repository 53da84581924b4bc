//! The epidemic of one place: susceptible, exposed, infectious, removed, in steps of a day with binomial draws
//! (tau-leaping), under transmission that changes with policy, caution, season and variants.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{binomial, names::PlaceKind};

/// What makes one place differ from another.
#[derive(Debug)]
pub(super) struct Traits {
    pub(super) population: u64,
    /// The day on which the first infected travellers arrive.
    pub(super) import_day: usize,
    /// New infections by one case, at the beginning.
    reproduction: f64,
    /// Day of the year with the highest transmission, and by how much it exceeds the mean.
    season: (f64, f64),
    /// Share of contacts that a lockdown ends.
    strictness: f64,
    /// Detected cases per 100,000 and week at which a lockdown begins.
    alarm: f64,
    /// Share of infections that end in death, before treatment and vaccines improve.
    fatality: f64,
    /// Share of infections that are detected once tests are there.
    pub(super) detection: f64,
    /// By how many days variants come later than elsewhere.
    variant_delay: usize,
}

impl Traits {
    pub(super) fn draw(kind: PlaceKind, random: &mut ChaCha8Rng) -> Self {
        let (smallest, largest, latest_import) = match kind {
            PlaceKind::Country => (3e5, 8e7, 60),
            PlaceKind::Province => (1e5, 1e7, 75),
            PlaceKind::Island => (3e3, 1.2e5, 200),
        };
        let population = log_uniform(smallest, largest, random) as u64;
        // Epidemics on small islands are cared for, and too small for the model's deaths to be anything but chance.
        let fatality = if population < 40_000 { 0.0 } else { log_uniform(0.002, 0.010, random) };
        Self {
            population,
            // The smaller of two draws: most places are reached early.
            import_day: random.random_range(0..latest_import).min(random.random_range(0..latest_import)),
            reproduction: random.random_range(2.4..3.8),
            season: (random.random_range(0.0..365.0), random.random_range(0.05..0.2)),
            strictness: random.random_range(0.65..0.85),
            alarm: log_uniform(1.5, 15.0, random),
            fatality,
            detection: random.random_range(0.2..0.6),
            variant_delay: random.random_range(0..60),
        }
    }
}

fn log_uniform(smallest: f64, largest: f64, random: &mut ChaCha8Rng) -> f64 {
    smallest * (largest / smallest).powf(random.random())
}

/// What happened on a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Events {
    /// People who became infectious, the detected among them.
    pub(super) detected: u64,
    /// People who died.
    pub(super) deaths: u64,
}

/// Probabilities of leaving a compartment on a day, for mean stays of 3 days exposed, 5 infectious, and two stages of
/// 7 days between infection and death.
const ONSET: f64 = 0.283;
const REMOVAL: f64 = 0.181;
const DECLINE: f64 = 0.133;

/// The state of one place's epidemic.
#[derive(Debug)]
pub(super) struct Epidemic<'a> {
    traits: &'a Traits,
    susceptible: u64,
    exposed: u64,
    infectious: u64,
    removed: u64,
    /// Those who will die, in two stages, so that deaths follow cases after about two weeks.
    dying: [u64; 2],
    /// How far contacts are closed, from 0 to 1.
    closure: f64,
    /// Share of contacts that people avoid by themselves, learnt in the first wave and slowly forgotten.
    caution: f64,
    /// Slow random drift of transmission, as a factor around 1.
    drift: f64,
    /// Smoothed detected cases a day.
    daily_detected: f64,
}

impl<'a> Epidemic<'a> {
    pub(super) fn new(traits: &'a Traits) -> Self {
        Self {
            traits,
            susceptible: traits.population,
            exposed: 0,
            infectious: 0,
            removed: 0,
            dying: [0; 2],
            closure: 0.0,
            caution: 0.0,
            drift: 1.0,
            daily_detected: 0.0,
        }
    }

    pub(super) fn step(&mut self, day: usize, random: &mut ChaCha8Rng) -> Events {
        self.change_contacts(day, random);
        let infected = binomial(self.susceptible, self.infection_probability(day), random);
        let infected = infected.max(self.imported(day, random).min(self.susceptible));
        let onset = binomial(self.exposed, ONSET, random);
        let removed = binomial(self.infectious, REMOVAL, random);
        let waned = binomial(self.removed, self.waning(day), random);
        self.susceptible = self.susceptible - infected + waned;
        self.exposed = self.exposed + infected - onset;
        self.infectious = self.infectious + onset - removed;
        self.removed = self.removed + removed - waned;
        let detected = binomial(onset, self.detection(day), random);
        self.daily_detected += (detected as f64 - self.daily_detected) / 7.0;
        Events { detected, deaths: self.deaths(day, onset, random) }
    }

    /// Lockdowns begin fast and end slowly, and each takes more to begin than the one before.
    fn change_contacts(&mut self, day: usize, random: &mut ChaCha8Rng) {
        let weekly_per_100k = self.daily_detected * 7e5 / self.traits.population.max(1) as f64;
        let alarm = self.traits.alarm * (day as f64 / 75.0).exp2();
        if weekly_per_100k > alarm {
            self.closure += 0.12 * (1.0 - self.closure);
        } else if weekly_per_100k < alarm / 3.0 {
            self.closure -= 0.015 * self.closure;
        }
        self.caution += 0.03 * self.closure * (0.35 - self.caution) - 0.0015 * self.caution;
        let normal: f64 = StandardNormal.sample(random);
        self.drift += 0.03 * (1.0 - self.drift) + 0.04 * normal;
    }

    fn infection_probability(&self, day: usize) -> f64 {
        let traits = self.traits;
        let (peak, height) = traits.season;
        let season = 1.0 + height * ((day as f64 - peak) * std::f64::consts::TAU / 365.0).cos();
        let contacts = (1.0 - traits.strictness * self.closure) * (1.0 - self.caution) * self.drift.clamp(0.6, 1.6);
        let reproduction = traits.reproduction * season * contacts * self.variant(day).transmission;
        let force = reproduction * REMOVAL * self.infectious as f64 / traits.population.max(1) as f64;
        -(-force).exp_m1()
    }

    /// Travellers who bring the infection: some in the first weeks, few ever after.
    fn imported(&self, day: usize, random: &mut ChaCha8Rng) -> u64 {
        let since = match day.checked_sub(self.traits.import_day) {
            Some(since) if since < 21 => 0.3,
            Some(_) => 0.03,
            None => 0.0,
        };
        u64::from(random.random::<f64>() < since)
    }

    /// A new variant every 200 days from day 270: the first ones spread more easily, all but the first escape immunity.
    fn variant(&self, day: usize) -> Variant {
        let Some(since_first) = day.checked_sub(270 + self.traits.variant_delay) else {
            return Variant { transmission: 1.0, escapes: false };
        };
        let (number, age) = (since_first / 200, since_first % 200);
        // A variant takes 50 days to replace the one before.
        let share = (age as f64 / 50.0).min(1.0);
        let step = |number: usize| 1.0 + 0.4 * number.min(4) as f64;
        let transmission = step(number) + share * (step(number + 1) - step(number));
        Variant { transmission, escapes: number > 0 && age < 50 }
    }

    /// Share of the removed who can be infected again on a day.
    fn waning(&self, day: usize) -> f64 {
        if self.variant(day).escapes { 0.012 } else { 0.002 }
    }

    /// Tests are scarce in the first ten months.
    fn detection(&self, day: usize) -> f64 {
        let since = day.saturating_sub(self.traits.import_day) as f64;
        self.traits.detection * (0.15 + 0.85 * (since / 300.0).min(1.0))
    }

    fn deaths(&mut self, day: usize, onset: u64, random: &mut ChaCha8Rng) -> u64 {
        // Treatment and vaccines bring fatality down to a third between day 300 and day 500.
        let progress = (day.saturating_sub(300) as f64 / 200.0).min(1.0);
        let doomed = binomial(onset, self.traits.fatality * (1.0 - 0.67 * progress), random);
        let [early, late] = self.dying;
        let declined = binomial(early, DECLINE, random);
        let deaths = binomial(late, DECLINE, random);
        self.dying = [early + doomed - declined, late + declined - deaths];
        self.removed = self.removed.saturating_sub(deaths);
        deaths
    }
}

/// What circulates.
struct Variant {
    /// Transmission relative to the first virus.
    transmission: f64,
    /// Whether it is spreading among those who were immune.
    escapes: bool,
}
