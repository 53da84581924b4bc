//! The model registry, in MLflow's terms: what a backend offers, and the words it uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use async_trait::async_trait;
use serde::Serialize;

use crate::RegistryError;

/// The alias of the version that predicts. Only `promote` and `rollback` move it.
pub const CHAMPION: &str = "champion";
/// The alias of the version that may replace the champion.
pub const CHALLENGER: &str = "challenger";

/// The tag of a version by which this project's programs know it, whatever its number: one that was synchronised has the
/// id of its run and its number in the embedded registry, `<run id>/<number>`.
pub const VERSION_ID_TAG: &str = "covid.version_id";

/// A model's name, under which its versions are counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegisteredModel {
    /// The name, unique in a registry.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// Its aliases, and the version that each one names.
    pub aliases: BTreeMap<String, u64>,
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ModelStage {
    /// Registered, and never promoted.
    None,
    /// The champion.
    Production,
    /// A champion of old.
    Archived,
}

impl ModelStage {
    /// MLflow's word for it, such as `Production`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }

    /// The stage that MLflow calls so.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Production, Self::Archived].into_iter().find(|stage| stage.as_str() == word)
    }
}

impl fmt::Display for ModelStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A version to be registered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NewVersion {
    /// The run that made it, which must be there.
    pub run_id: String,
    /// Where its files are, such as `runs:/<run id>/model`.
    pub source: String,
    /// What it is, for people.
    pub description: String,
    /// Tags, key and value; the last one of a key counts.
    pub tags: Vec<(String, String)>,
    /// When it is registered, in milliseconds since the Unix epoch. A remote backend may stamp its own time.
    pub created_ms: i64,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelVersion {
    /// The registered model.
    pub name: String,
    /// Its number, from 1.
    pub version: u64,
    /// Where it stands.
    pub model_stage: ModelStage,
    /// The aliases that name it.
    pub aliases: BTreeSet<String>,
    /// The run that made it.
    pub run_id: String,
    /// Where its files are.
    pub source: String,
    /// What it is, for people.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was registered, in milliseconds since the Unix epoch.
    pub created_ms: i64,
}

impl ModelVersion {
    /// Whether it is the one that predicts.
    pub fn is_champion(&self) -> bool {
        self.aliases.contains(CHAMPION)
    }
}

/// How the champion changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PromotionKind {
    /// A version took the champion's place.
    Promote,
    /// The champion gave its place back to the one before.
    Rollback,
}

impl PromotionKind {
    /// `promote` or `rollback`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Promote, Self::Rollback].into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for PromotionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One change of champion, as the audit trail keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromotionEvent {
    /// The registered model.
    pub name: String,
    /// How it came.
    pub kind: PromotionKind,
    /// The champion after it.
    pub version: u64,
    /// The champion before it; none for the first.
    pub previous: Option<u64>,
    /// Why, such as the gate's verdict.
    pub evidence: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The champions that each promotion put upon the one before, and of which each rollback took the last.
pub fn champions(trail: &[PromotionEvent]) -> Vec<u64> {
    let mut stack = Vec::new();
    for event in trail {
        match event.kind {
            PromotionKind::Promote => stack.push(event.version),
            PromotionKind::Rollback => drop(stack.pop()),
        }
    }
    stack
}

/// The rollback from the champion that is to go, as a trail and the champion of now allow it.
pub(crate) fn rollback_event(
    name: &str,
    trail: &[PromotionEvent],
    champion: Option<u64>,
    expected: u64,
    at_ms: i64,
) -> Result<PromotionEvent, RegistryError> {
    let name = name.to_owned();
    match (champion, &champions(trail)[..]) {
        (Some(found), _) if found != expected => {
            Err(RegistryError::LostRace { name, version: None, expected: Some(expected), found: Some(found) })
        }
        (Some(_), [.., version, last]) if *last == expected => {
            let (kind, previous, evidence) = (PromotionKind::Rollback, Some(expected), String::new());
            Ok(PromotionEvent { name, kind, version: *version, previous, evidence, at_ms })
        }
        _ => Err(RegistryError::NoPreviousChampion { name }),
    }
}

/// What `promote` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Promotion {
    /// The version is the champion now.
    Promoted(PromotionEvent),
    /// The version was the champion already: nothing was changed, nothing written to the trail.
    AlreadyChampion {
        /// The registered model.
        name: String,
        /// The champion.
        version: u64,
    },
}

/// The model registry, modelled on MLflow. Times are milliseconds since the Unix epoch, and the caller's.
///
/// A registered model has no champion until the first promotion, and exactly one from then on: it carries the alias
/// [`CHAMPION`] and the stage `Production`, and no other version does.
///
/// Names are checked as MLflow does, see [`names`](crate::names); a bad one is [`RegistryError::BadName`].
#[async_trait]
pub trait ModelRegistry: fmt::Debug + Send + Sync + 'static {
    /// The registered model of that name, created with that description if it is not there.
    async fn get_or_create_registered_model(
        &self,
        name: &str,
        description: &str,
    ) -> Result<RegisteredModel, RegistryError>;

    /// All registered models, by name.
    async fn list_registered_models(&self) -> Result<Vec<RegisteredModel>, RegistryError>;

    /// Registers a version, under the number after the last one.
    ///
    /// # Errors
    /// [`RegistryError::UnknownModel`], [`RegistryError::UnknownRun`].
    async fn create_version(&self, name: &str, new: &NewVersion) -> Result<ModelVersion, RegistryError>;

    /// A version; [`RegistryError::UnknownVersion`] if there is none.
    async fn get_version(&self, name: &str, version: u64) -> Result<ModelVersion, RegistryError>;

    /// The versions of a registered model, newest first; none if there is no such model.
    async fn list_versions(&self, name: &str) -> Result<Vec<ModelVersion>, RegistryError>;

    /// Sets a tag of a version; [`RegistryError::UnknownVersion`] if there is none.
    async fn set_version_tag(&self, name: &str, version: u64, key: &str, value: &str) -> Result<(), RegistryError>;

    /// Gives an alias to a version, and takes it from any other.
    ///
    /// # Errors
    /// [`RegistryError::ChampionIsManaged`] for [`CHAMPION`], [`RegistryError::UnknownVersion`].
    async fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), RegistryError>;

    /// Removes an alias; removing what is not there is not an error.
    ///
    /// # Errors
    /// [`RegistryError::ChampionIsManaged`] for [`CHAMPION`].
    async fn delete_alias(&self, name: &str, alias: &str) -> Result<(), RegistryError>;

    /// The version that an alias names; none without such an alias or model.
    async fn get_version_by_alias(&self, name: &str, alias: &str) -> Result<Option<ModelVersion>, RegistryError>;

    /// Makes a version the champion, if the champion is still the one that the caller compared it with (`None`: there
    /// was none). The alias [`CHAMPION`] moves, the version becomes `Production` and the old
    /// champion `Archived`, the version loses the alias [`CHALLENGER`] if it had it, and the trail grows by one. The embedded backend does
    /// all of it in one transaction. MLflow has none: there the alias decides, the rest follows, and of two who promote
    /// at the same moment both may be told that they won, though one champion remains.
    ///
    /// Promoting the champion changes nothing, whichever champion was expected.
    ///
    /// # Errors
    /// [`RegistryError::LostRace`] if another version became champion meanwhile, [`RegistryError::UnknownVersion`].
    async fn promote(
        &self,
        name: &str,
        version: u64,
        expected_champion: Option<u64>,
        evidence: &str,
        at_ms: i64,
    ) -> Result<Promotion, RegistryError>;

    /// Makes the champion before this one champion again, as a promotion does, and says so in the trail. Promotions are
    /// a stack: a second rollback goes one further back, and a promotion after a rollback starts from there.
    ///
    /// `expected_champion` is the champion that is to go: of two rollbacks at once only one goes back, and one that is
    /// repeated goes no further.
    ///
    /// # Errors
    /// [`RegistryError::LostRace`] if another version is champion, [`RegistryError::NoPreviousChampion`].
    async fn rollback(&self, name: &str, expected_champion: u64, at_ms: i64) -> Result<PromotionEvent, RegistryError>;

    /// Every change of champion, oldest first; none if there is no such model.
    async fn promotions(&self, name: &str) -> Result<Vec<PromotionEvent>, RegistryError>;
}
