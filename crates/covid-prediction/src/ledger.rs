//! Runs in the store, whole or invisible: plan, parts, manifest. The manifest is the commit.

use std::{collections::BTreeMap, marker::PhantomData};

use bytes::Bytes;
use covid_core::{Date, Panel, Timestamp, one_line, sha256_hex};
use covid_data::{Table, panel_from_parquet, panel_to_parquet};
use covid_storage::{ObjectStore, PutMode, StorageError, list_all};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{PredictionError, RunId};

/// The version of plans and manifests that this program writes.
const FORMAT_VERSION: u64 = 1;

/// An unfinished run is left alone for this long, and resumed only within half of it.
const UNFINISHED_SECONDS: i64 = 24 * 3600;

/// Which of a dataset's trees a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// Ordinary runs.
    Real,
    /// Back-dated ones, which a program made by itself.
    Backdated,
}

/// What a run does. Two runs with the same digest do the same.
pub trait Work: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// Its as-of date.
    fn as_of(&self) -> Date;

    /// SHA-256 of all that decides its result; no times, ids or shards.
    fn digest(&self) -> String;

    /// Whether its result is never the current one.
    fn shadow(&self) -> bool {
        false
    }
}

/// What will be done: written before anything else of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan<W> {
    format_version: u64,
    /// The run's id.
    pub run: RunId,
    /// When the plan was made.
    pub created_at: Timestamp,
    /// The digest of the work.
    pub digest: String,
    /// Parts into which the locations are split.
    pub shards: usize,
    /// The work.
    #[serde(flatten)]
    pub work: W,
}

/// A part of a committed run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which shard it holds, from 0.
    pub shard: usize,
    /// Its key in the store.
    pub key: String,
    /// Rows.
    pub rows: usize,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// What was done: the commit of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest<W> {
    format_version: u64,
    /// The run's id.
    pub run: RunId,
    /// When it was committed.
    pub created_at: Timestamp,
    /// The digest of the work.
    pub digest: String,
    /// Rows of all parts.
    pub rows: usize,
    /// One part a shard.
    pub parts: Vec<Part>,
    /// The work.
    #[serde(flatten)]
    pub work: W,
}

impl<W> Manifest<W> {
    /// What says which of two runs of an as-of date is the later one.
    pub fn order(&self) -> (Timestamp, RunId) {
        (self.created_at, self.run.clone())
    }
}

/// A committed run in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub run: RunId,
    /// Its as-of date.
    pub as_of: Date,
    key: String,
}

/// How a run begins.
#[derive(Debug)]
pub enum Started<W> {
    /// The same work is the current commit already.
    Done(Manifest<W>),
    /// A plan to be carried out, perhaps one that was left unfinished.
    Planned(Plan<W>),
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Parts removed.
    pub removed: usize,
    /// Parts of unfinished runs that are younger than 24 hours.
    pub spared: usize,
}

/// The runs of one kind in one tree of a dataset.
#[derive(Debug)]
pub struct Ledger<'a, W> {
    store: &'a dyn ObjectStore,
    root: String,
    work: PhantomData<W>,
}

impl<'a, W: Work> Ledger<'a, W> {
    /// The runs of a kind (`predictions`, `monitoring`).
    pub fn new(store: &'a dyn ObjectStore, dataset: &str, branch: Branch, kind: &str) -> Self {
        let root = match branch {
            Branch::Real => format!("{dataset}/{kind}"),
            Branch::Backdated => format!("{dataset}/backdated/{kind}"),
        };
        Self { store, root, work: PhantomData }
    }

    /// Begins a run: finds it done, takes up an unfinished plan of the same digest, or writes a new plan.
    pub async fn start(&self, work: W, shards: usize, now: Timestamp) -> Result<Started<W>, PredictionError> {
        let digest = work.digest();
        let commits = self.commits_of(work.as_of()).await?;
        if let Some(current) = commits.into_iter().rfind(|manifest| manifest.work.shadow() == work.shadow())
            && current.digest == digest
        {
            return Ok(Started::Done(current));
        }
        if let Some(unfinished) = self.unfinished(&digest, now).await? {
            return Ok(Started::Planned(unfinished));
        }
        let plan = Plan { format_version: FORMAT_VERSION, run: RunId::new(now), created_at: now, digest, shards, work };
        put_json(self.store, &self.plan_key(&plan.run), &plan).await?;
        Ok(Started::Planned(plan))
    }

    /// The plan of a run.
    pub async fn plan(&self, run: &RunId) -> Result<Plan<W>, PredictionError> {
        get_json(self.store, &self.plan_key(run)).await
    }

    /// The part of a shard, if an earlier attempt wrote one.
    pub async fn part(&self, plan: &Plan<W>, shard: usize) -> Result<Option<Part>, PredictionError> {
        let Some(object) = list_all(self.store, &self.part_prefix(plan, shard)).await?.into_iter().next() else {
            return Ok(None);
        };
        let bytes = self.store.get(&object.key).await?.bytes;
        let rows = Table::from_parquet(&bytes)?.rows();
        Ok(Some(Part { shard, key: object.key, rows, sha256: sha256_hex(&bytes) }))
    }

    /// Writes the part of a shard, under the number of a new attempt.
    pub async fn put_part(&self, plan: &Plan<W>, shard: usize, table: &Table) -> Result<Part, PredictionError> {
        let bytes = Bytes::from(table.to_parquet()?);
        let sha256 = sha256_hex(&bytes);
        let mut attempt = 1;
        loop {
            let key = format!("{}{attempt}.parquet", self.part_prefix(plan, shard));
            match self.store.put(&key, bytes.clone(), PutMode::CreateOnly).await {
                Ok(_) => return Ok(Part { shard, key, rows: table.rows(), sha256 }),
                Err(StorageError::AlreadyExists { .. }) => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Commits a run. If another worker committed it meanwhile, its commit counts.
    pub async fn commit(
        &self,
        plan: Plan<W>,
        mut parts: Vec<Part>,
        now: Timestamp,
    ) -> Result<Manifest<W>, PredictionError> {
        parts.sort_by_key(|part| part.shard);
        let as_of = plan.work.as_of();
        let key = self.commit_key(as_of, &plan.run);
        // A resumed plan may be older than a run that was committed meanwhile, and clocks repeat: a commit comes after
        // those that its writer sees.
        let newest = self.commits_of(as_of).await?.into_iter().map(|manifest| manifest.created_at).max();
        let created_at = newest.and_then(next_millisecond).map_or(now, |after| after.max(now));
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            run: plan.run,
            created_at,
            digest: plan.digest,
            rows: parts.iter().map(|part| part.rows).sum(),
            parts,
            work: plan.work,
        };
        match put_json(self.store, &key, &manifest).await {
            Err(PredictionError::Storage(StorageError::AlreadyExists { .. })) => get_json(self.store, &key).await,
            written => written.map(|()| manifest),
        }
    }

    /// Writes the rows of a committed run as CSV, for people; returns its key.
    pub async fn put_csv(&self, manifest: &Manifest<W>, rows: &Table) -> Result<String, PredictionError> {
        let key = format!("{}/csv/as_of={}/{}.csv", self.root, manifest.work.as_of(), manifest.run);
        self.store.put(&key, rows.to_csv()?.into(), PutMode::Overwrite).await?;
        Ok(key)
    }

    /// The key of a manifest.
    pub fn manifest_key(&self, manifest: &Manifest<W>) -> String {
        self.commit_key(manifest.work.as_of(), &manifest.run)
    }

    /// The current run of an as-of date: the latest commit, shadows aside.
    pub async fn current(&self, as_of: Date) -> Result<Option<Manifest<W>>, PredictionError> {
        let commits = self.commits_of(as_of).await?;
        Ok(commits.into_iter().rfind(|manifest| !manifest.work.shadow()))
    }

    /// The commits of an as-of date, the latest last.
    pub(crate) async fn commits_of(&self, as_of: Date) -> Result<Vec<Manifest<W>>, PredictionError> {
        self.commits(&format!("{}/commits/as_of={as_of}/", self.root)).await
    }

    async fn commits(&self, prefix: &str) -> Result<Vec<Manifest<W>>, PredictionError> {
        let mut manifests: Vec<Manifest<W>> = Vec::new();
        for object in list_all(self.store, prefix).await? {
            manifests.push(get_json(self.store, &object.key).await?);
        }
        manifests.sort_by_key(|manifest| (manifest.work.as_of(), manifest.created_at, manifest.run.clone()));
        Ok(manifests)
    }

    /// The committed runs of a date and later ones, by as-of date. No manifest is read.
    pub async fn listed(&self, from: Date) -> Result<Vec<Listed>, PredictionError> {
        let objects = list_all(self.store, &format!("{}/commits/", self.root)).await?;
        let listed = |key: String| {
            let as_of: Date = key.rsplit('/').nth(1)?.strip_prefix("as_of=")?.parse().ok()?;
            Some(Listed { run: run_of_record(&key)?, as_of, key })
        };
        Ok(objects.into_iter().filter_map(|object| listed(object.key)).filter(|listed| listed.as_of >= from).collect())
    }

    /// A committed run of a listing.
    pub async fn read(&self, listed: &Listed) -> Result<Manifest<W>, PredictionError> {
        get_json(self.store, &listed.key).await
    }

    /// The committed runs of a date and later ones, by as-of date, then by the time of the commit.
    pub async fn since(&self, from: Date) -> Result<Vec<Manifest<W>>, PredictionError> {
        let mut manifests = Vec::new();
        for listed in self.listed(from).await? {
            manifests.push(self.read(&listed).await?);
        }
        manifests.sort_by_key(|manifest: &Manifest<W>| (manifest.work.as_of(), manifest.order()));
        Ok(manifests)
    }

    /// Every committed run, by as-of date, then by the time of the commit.
    pub async fn all(&self) -> Result<Vec<Manifest<W>>, PredictionError> {
        self.commits(&format!("{}/commits/", self.root)).await
    }

    /// The rows of a committed run, each part checked against its SHA-256.
    pub async fn rows(&self, manifest: &Manifest<W>) -> Result<Table, PredictionError> {
        let mut tables = Vec::with_capacity(manifest.parts.len());
        for part in &manifest.parts {
            let bytes = self.store.get(&part.key).await?.bytes;
            if sha256_hex(&bytes) != part.sha256 {
                let cause = "its SHA-256 is not the one in the manifest".to_owned();
                return Err(PredictionError::Damaged { key: part.key.clone(), cause });
            }
            tables.push(Table::from_parquet(&bytes)?);
        }
        Ok(Table::concat(tables)?)
    }

    /// Removes parts that no manifest names; those of unfinished runs once they are 24 hours old.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, PredictionError> {
        let mut parts: BTreeMap<RunId, Vec<String>> = BTreeMap::new();
        for object in list_all(self.store, &format!("{}/data/", self.root)).await? {
            if let Some(run) = run_of_part(&object.key) {
                parts.entry(run).or_default().push(object.key);
            }
        }
        let commits: BTreeMap<RunId, Manifest<W>> =
            self.all().await?.into_iter().map(|manifest| (manifest.run.clone(), manifest)).collect();
        let mut swept = Swept::default();
        for (run, keys) in parts {
            let named = commits.get(&run).map(|manifest| &manifest.parts);
            let young = age(&run, now).is_some_and(|seconds| seconds < UNFINISHED_SECONDS);
            for key in keys {
                match named {
                    Some(parts) if parts.iter().any(|part| part.key == key) => {}
                    None if young => swept.spared += 1,
                    _ => {
                        self.store.delete(&key).await?;
                        swept.removed += 1;
                    }
                }
            }
        }
        Ok(swept)
    }

    /// A plan of the same digest without a manifest, young enough that a sweep leaves its parts alone; the newest.
    async fn unfinished(&self, digest: &str, now: Timestamp) -> Result<Option<Plan<W>>, PredictionError> {
        let committed: Vec<RunId> = list_all(self.store, &format!("{}/commits/", self.root))
            .await?
            .iter()
            .filter_map(|object| run_of_record(&object.key))
            .collect();
        for object in list_all(self.store, &format!("{}/plans/", self.root)).await?.into_iter().rev() {
            let Some(run) = run_of_record(&object.key) else { continue };
            let young = age(&run, now).is_some_and(|seconds| seconds < UNFINISHED_SECONDS / 2);
            if young && !committed.contains(&run) {
                let plan: Plan<W> = get_json(self.store, &object.key).await?;
                if plan.digest == digest {
                    return Ok(Some(plan));
                }
            }
        }
        Ok(None)
    }

    fn plan_key(&self, run: &RunId) -> String {
        format!("{}/plans/{run}.json", self.root)
    }

    fn part_prefix(&self, plan: &Plan<W>, shard: usize) -> String {
        format!("{}/data/as_of={}/run={}/part-{shard}-", self.root, plan.work.as_of(), plan.run)
    }

    fn commit_key(&self, as_of: Date, run: &RunId) -> String {
        format!("{}/commits/as_of={as_of}/{run}.json", self.root)
    }
}

fn next_millisecond(instant: Timestamp) -> Option<Timestamp> {
    Timestamp::from_millisecond(instant.as_millisecond() + 1).ok()
}

/// Seconds since a run was made; none if its id is not one of ours.
fn age(run: &RunId, now: Timestamp) -> Option<i64> {
    Some(now.as_second() - run.created_at()?.as_second())
}

/// The run of `.../run=<run>/part-...`.
fn run_of_part(key: &str) -> Option<RunId> {
    key.split('/').rev().nth(1)?.strip_prefix("run=").map(RunId::from_name)
}

/// The run of `.../<run>.json`.
fn run_of_record(key: &str) -> Option<RunId> {
    key.rsplit('/').next()?.strip_suffix(".json").map(RunId::from_name)
}

/// Writes the panel as it was read, once; returns its digest.
pub async fn write_vintage(store: &dyn ObjectStore, dataset: &str, panel: &Panel) -> Result<String, PredictionError> {
    let digest = panel.digest();
    let key = vintage_key(dataset, &digest);
    if !list_all(store, &key).await?.is_empty() {
        return Ok(digest);
    }
    match store.put(&key, panel_to_parquet(panel)?.into(), PutMode::CreateOnly).await {
        Ok(_) | Err(StorageError::AlreadyExists { .. }) => Ok(digest),
        Err(error) => Err(error.into()),
    }
}

/// Reads a vintage back.
pub async fn read_vintage(store: &dyn ObjectStore, dataset: &str, digest: &str) -> Result<Panel, PredictionError> {
    let key = vintage_key(dataset, digest);
    let panel = panel_from_parquet(&store.get(&key).await?.bytes)?;
    if panel.digest() == digest {
        Ok(panel)
    } else {
        Err(PredictionError::Damaged { key, cause: "its content does not have the digest in its name".into() })
    }
}

fn vintage_key(dataset: &str, digest: &str) -> String {
    format!("{dataset}/vintages/{digest}.parquet")
}

async fn put_json(store: &dyn ObjectStore, key: &str, record: &impl Serialize) -> Result<(), PredictionError> {
    let unwritable =
        |error: serde_json::Error| PredictionError::Unwritable { key: key.to_owned(), cause: error.to_string() };
    let mut bytes = serde_json::to_vec_pretty(record).map_err(unwritable)?;
    bytes.push(b'\n');
    store.put(key, bytes.into(), PutMode::CreateOnly).await?;
    Ok(())
}

/// Reads a JSON record of the store, if it is there.
pub async fn find_json<T: DeserializeOwned>(store: &dyn ObjectStore, key: &str) -> Result<Option<T>, PredictionError> {
    match get_json(store, key).await {
        Err(PredictionError::Storage(StorageError::NotFound { .. })) => Ok(None),
        read => read.map(Some),
    }
}

/// Reads a JSON record of the store.
pub async fn get_json<T: DeserializeOwned>(store: &dyn ObjectStore, key: &str) -> Result<T, PredictionError> {
    let damaged =
        |cause: String| PredictionError::Damaged { key: key.to_owned(), cause: one_line(&cause).into_owned() };
    #[derive(Deserialize)]
    struct Version {
        format_version: u64,
    }
    let bytes = store.get(key).await?.bytes;
    let Version { format_version } = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if format_version > FORMAT_VERSION {
        return Err(damaged(format!(
            "format version {format_version} is newer than {FORMAT_VERSION}, the last one known"
        )));
    }
    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))
}
