//! The model registry's side: registered models, versions, aliases, the champion.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    MlflowRegistry,
    api::{BAD_VALUE, NOT_FOUND, TAKEN},
    trail::{Trail, without_trail},
    wire::{Done, ModelAnswer, ModelsAnswer, VersionAnswer, VersionsAnswer, WireModel, WireVersion, pairs},
};
use crate::{
    CHALLENGER, CHAMPION, ModelRegistry, ModelStage, ModelVersion, NewVersion, Promotion, PromotionEvent,
    PromotionKind, RegisteredModel, Registry as _, RegistryError, VERSION_ID_TAG,
    models::rollback_event,
    names::{
        check_alias, check_description, check_evidence, check_free_alias, check_registered_model, check_source,
        check_tag, check_tags,
    },
};

/// Things on one page of a search.
const PAGE: &str = "200";

/// When a version was registered, by the caller's clock; MLflow stamps its own time beside it.
const CREATED_TAG: &str = "covid.created_ms";

/// A registered model with all its versions, their stages put right.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    aliases: BTreeMap<String, u64>,
    /// Newest first.
    versions: Vec<WireVersion>,
    pub(crate) trail: Trail,
}

impl Shelf {
    pub(crate) fn champion(&self) -> Option<u64> {
        self.aliases.get(CHAMPION).copied()
    }

    fn into_versions(self) -> Vec<ModelVersion> {
        let Self { aliases, versions, .. } = self;
        let named = |version: &WireVersion| {
            aliases.iter().filter(|(_, named)| **named == version.number()).map(|(alias, _)| alias.clone()).collect()
        };
        versions.into_iter().map(|version| model_version(WireVersion { aliases: named(&version), ..version })).collect()
    }
}

#[async_trait]
impl ModelRegistry for MlflowRegistry {
    async fn get_or_create_registered_model(
        &self,
        name: &str,
        description: &str,
    ) -> Result<RegisteredModel, RegistryError> {
        check_registered_model(name)?;
        check_description(name, description)?;
        if let Some(found) = self.model(name).await? {
            return Ok(found.into());
        }
        let body = json!({ "name": name, "description": description });
        match self.api.post::<ModelAnswer>("registered-models/create", &body).await {
            Ok(answer) => Ok(answer.registered_model.into()),
            // Somebody else was quicker, or this was the second try.
            Err(refusal) if refusal.is(TAKEN) => {
                let found = self.model(name).await?;
                found.map(RegisteredModel::from).ok_or_else(|| refusal.into())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn list_registered_models(&self) -> Result<Vec<RegisteredModel>, RegistryError> {
        let found = self.api.get_all::<ModelsAnswer>("registered-models/search", &[("max_results", PAGE)]).await?;
        let mut found: Vec<RegisteredModel> = found.into_iter().map(RegisteredModel::from).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    async fn create_version(&self, name: &str, new: &NewVersion) -> Result<ModelVersion, RegistryError> {
        check_source(name, &new.source)?;
        check_description(name, &new.description)?;
        check_tags(&new.tags)?;
        let run_id = self.place(&new.run_id).await?.run_id;
        let mut tags: BTreeMap<String, String> = new.tags.iter().cloned().collect();
        tags.entry(CREATED_TAG.to_owned()).or_insert_with(|| new.created_ms.to_string());
        let own = || format!("{:032x}", rand::random::<u128>());
        let id = tags.entry(VERSION_ID_TAG.to_owned()).or_insert_with(own).clone();
        let tags: Vec<_> = tags.into_iter().collect();
        let mut body = json!({
            "name": name, "source": new.source, "run_id": run_id, "description": new.description, "tags": pairs(&tags),
        });
        if let Some(model_id) = new.source.strip_prefix("models:/").filter(|id| id.starts_with("m-")) {
            body["model_id"] = model_id.into();
        }
        let created = self.api.create::<VersionAnswer, _>("model-versions/create", &body, || async {
            let is_it =
                |version: &WireVersion| version.tags.iter().any(|tag| tag.key == VERSION_ID_TAG && tag.value == id);
            let found = self.all_versions(name).await?.into_iter().find(is_it);
            Ok(found.map(|model_version| VersionAnswer { model_version }))
        });
        match created.await {
            Ok(answer) => self.get_version(name, answer.model_version.number()).await,
            Err(RegistryError::Refused { code, .. }) if code == NOT_FOUND => Err(self.unknown_model(name)),
            Err(error) => Err(error),
        }
    }

    async fn get_version(&self, name: &str, version: u64) -> Result<ModelVersion, RegistryError> {
        let number = self.wire_number(name, version)?;
        match self.api.get::<VersionAnswer>("model-versions/get", &[("name", name), ("version", &number)]).await {
            Ok(answer) => Ok(model_version(answer.model_version)),
            Err(refusal) if refusal.is(NOT_FOUND) => Err(self.unknown_version(name, version)),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn list_versions(&self, name: &str) -> Result<Vec<ModelVersion>, RegistryError> {
        Ok(self.shelf(name).await?.into_versions())
    }

    async fn set_version_tag(&self, name: &str, version: u64, key: &str, value: &str) -> Result<(), RegistryError> {
        check_tag(key, value)?;
        let number = self.wire_number(name, version)?;
        let body = json!({ "name": name, "version": number, "key": key, "value": value });
        match self.api.post::<Done>("model-versions/set-tag", &body).await {
            Ok(Done {}) => Ok(()),
            Err(refusal) if refusal.is(NOT_FOUND) => Err(self.unknown_version(name, version)),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), RegistryError> {
        check_free_alias(name, alias)?;
        self.move_alias(name, alias, version).await
    }

    async fn delete_alias(&self, name: &str, alias: &str) -> Result<(), RegistryError> {
        check_free_alias(name, alias)?;
        self.drop_alias(name, alias).await
    }

    async fn get_version_by_alias(&self, name: &str, alias: &str) -> Result<Option<ModelVersion>, RegistryError> {
        check_alias(alias)?;
        if alias == CHAMPION {
            return Ok(self.shelf(name).await?.into_versions().into_iter().find(ModelVersion::is_champion));
        }
        Ok(self.named(name, alias).await?.map(model_version))
    }

    async fn promote(
        &self,
        name: &str,
        version: u64,
        expected_champion: Option<u64>,
        evidence: &str,
        at_ms: i64,
    ) -> Result<Promotion, RegistryError> {
        check_evidence(name, evidence)?;
        self.get_version(name, version).await?;
        let shelf = self.shelf(name).await?;
        let (name, previous) = (name.to_owned(), shelf.champion());
        if previous == Some(version) {
            return Ok(Promotion::AlreadyChampion { name, version });
        }
        if previous != expected_champion {
            return Err(RegistryError::LostRace {
                name,
                version: Some(version),
                expected: expected_champion,
                found: previous,
            });
        }
        let evidence = evidence.to_owned();
        let event = PromotionEvent { name, kind: PromotionKind::Promote, version, previous, evidence, at_ms };
        self.change_champion(&shelf, &event).await?;
        tracing::debug!(model = event.name, version = event.version, previous = event.previous, "promoted");
        Ok(Promotion::Promoted(event))
    }

    async fn rollback(&self, name: &str, expected_champion: u64, at_ms: i64) -> Result<PromotionEvent, RegistryError> {
        let shelf = self.shelf(name).await?;
        let event = rollback_event(name, &shelf.trail.events(), shelf.champion(), expected_champion, at_ms)?;
        self.change_champion(&shelf, &event).await?;
        tracing::debug!(model = event.name, version = event.version, previous = event.previous, "rolled back");
        Ok(event)
    }

    async fn promotions(&self, name: &str) -> Result<Vec<PromotionEvent>, RegistryError> {
        Ok(self.shelf(name).await?.trail.events())
    }
}

impl MlflowRegistry {
    /// Moves the alias, and lets all else follow it. Once the alias has moved the champion has changed, whatever fails
    /// after it: what is missing then is put right by the next one who looks, but for the evidence.
    async fn change_champion(&self, shelf: &Shelf, event: &PromotionEvent) -> Result<(), RegistryError> {
        let PromotionEvent { name, version, .. } = event;
        self.move_alias(name, CHAMPION, *version).await?;
        let found = self.named(name, CHAMPION).await?.map(|found| found.number());
        if found != Some(*version) {
            let (name, expected) = (name.clone(), event.previous);
            let version = (event.kind == PromotionKind::Promote).then_some(*version);
            return Err(RegistryError::LostRace { name, version, expected, found });
        }
        let events: Vec<_> = shelf.trail.outside.iter().chain([event]).cloned().collect();
        let warn = |what: &str, error| tracing::warn!("version {version} of {name} is champion, but {what}: {error}");
        if let Err(error) = self.write_trail(&shelf.trail, &events).await {
            warn("the trail of promotions does not say so yet", error);
        }
        if shelf.aliases.get(CHALLENGER) == Some(version)
            && let Err(error) = self.drop_alias(name, CHALLENGER).await
        {
            warn("still has the alias `challenger`", error);
        }
        if let Err(error) = self.shelf(name).await {
            warn("the model stages may not say so yet", error);
        }
        Ok(())
    }

    pub(crate) async fn write_trail(&self, trail: &Trail, events: &[PromotionEvent]) -> Result<(), RegistryError> {
        for ((version, key, value), event) in trail.tags(events).into_iter().zip(events) {
            let body = json!({ "name": event.name, "version": version.to_string(), "key": key, "value": value });
            self.api.post::<Done>("model-versions/set-tag", &body).await?;
        }
        Ok(())
    }

    /// A registered model as it stands; an empty shelf if there is none.
    pub(crate) async fn shelf(&self, name: &str) -> Result<Shelf, RegistryError> {
        let Some(model) = self.model(name).await? else { return Ok(Shelf::default()) };
        let aliases: BTreeMap<String, u64> = RegisteredModel::from(model).aliases;
        let champion = aliases.get(CHAMPION).copied();
        let mut versions = self.all_versions(name).await?;
        match self.settle(name, champion, &versions, &Trail::read(name, &versions, champion)).await {
            Ok(true) => versions = self.all_versions(name).await?,
            Ok(false) => {}
            // Who may only read can still be told who is champion: the alias says it.
            Err(error) => tracing::warn!("the stages of {name} do not follow its alias `{CHAMPION}`: {error}"),
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.version));
        let trail = Trail::read(name, &versions, champion);
        Ok(Shelf { aliases, versions, trail })
    }

    /// Gives the champion the stage `Production`, and champions of old `Archived`; whether it had to.
    async fn settle(
        &self,
        name: &str,
        champion: Option<u64>,
        versions: &[WireVersion],
        trail: &Trail,
    ) -> Result<bool, RegistryError> {
        let mut settled = false;
        // The champion last, so that there are never two in production.
        for is_champion in [false, true] {
            for version in versions.iter().filter(|version| (Some(version.number()) == champion) == is_champion) {
                let stage = match is_champion {
                    true => ModelStage::Production,
                    false if trail.names(version.number()) || version.is_in(ModelStage::Production) => {
                        ModelStage::Archived
                    }
                    false => continue,
                };
                if !version.is_in(stage) {
                    self.move_to(name, version.number(), stage).await?;
                    settled = true;
                }
            }
        }
        Ok(settled)
    }

    async fn move_to(&self, name: &str, version: u64, stage: ModelStage) -> Result<(), RegistryError> {
        let body = json!({
            "name": name, "version": version.to_string(), "stage": stage.as_str(), "archive_existing_versions": false,
        });
        self.api.post::<Value>("model-versions/transition-stage", &body).await?;
        Ok(())
    }

    async fn model(&self, name: &str) -> Result<Option<WireModel>, RegistryError> {
        match self.api.get::<ModelAnswer>("registered-models/get", &[("name", name)]).await {
            Ok(answer) => Ok(Some(answer.registered_model)),
            Err(refusal) if refusal.is(NOT_FOUND) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn all_versions(&self, name: &str) -> Result<Vec<WireVersion>, RegistryError> {
        let filter = format!("name={}", quoted(name));
        self.api.get_all::<VersionsAnswer>("model-versions/search", &[("filter", &filter), ("max_results", PAGE)]).await
    }

    async fn named(&self, name: &str, alias: &str) -> Result<Option<WireVersion>, RegistryError> {
        let query = [("name", name), ("alias", alias)];
        match self.api.get::<VersionAnswer>("registered-models/alias", &query).await {
            Ok(answer) => Ok(Some(answer.model_version)),
            // A missing alias is a bad value to MLflow, a missing model is not found.
            Err(refusal) if refusal.is(BAD_VALUE) || refusal.is(NOT_FOUND) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    pub(crate) async fn move_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), RegistryError> {
        let body = json!({ "name": name, "alias": alias, "version": self.wire_number(name, version)? });
        match self.api.post::<Done>("registered-models/alias", &body).await {
            Ok(Done {}) => Ok(()),
            Err(refusal) if refusal.is(NOT_FOUND) => Err(self.unknown_version(name, version)),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn drop_alias(&self, name: &str, alias: &str) -> Result<(), RegistryError> {
        match self.api.delete::<Done>("registered-models/alias", &json!({ "name": name, "alias": alias })).await {
            Ok(Done {}) => Ok(()),
            Err(refusal) if refusal.is(NOT_FOUND) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// A version's number as MLflow takes it. One beyond its range is none that it ever handed out.
    fn wire_number(&self, name: &str, version: u64) -> Result<String, RegistryError> {
        match i32::try_from(version) {
            Ok(number) if number > 0 => Ok(number.to_string()),
            _ => Err(self.unknown_version(name, version)),
        }
    }

    fn unknown_version(&self, name: &str, version: u64) -> RegistryError {
        RegistryError::UnknownVersion { name: name.to_owned(), version, uri: self.uri() }
    }

    fn unknown_model(&self, name: &str) -> RegistryError {
        RegistryError::UnknownModel { name: name.to_owned(), uri: self.uri() }
    }
}

/// A name as a text of MLflow's filters, which know no way to write both kinds of quotation mark in one.
fn quoted(name: &str) -> String {
    let mark = if name.contains('\'') { '"' } else { '\'' };
    format!("{mark}{name}{mark}")
}

impl From<WireModel> for RegisteredModel {
    fn from(wire: WireModel) -> Self {
        let aliases = wire.aliases.into_iter().map(|alias| (alias.alias, alias.version.unsigned_abs())).collect();
        Self { name: wire.name, description: wire.description, aliases }
    }
}

fn model_version(wire: WireVersion) -> ModelVersion {
    let version = wire.number();
    let mut tags = without_trail(wire.tags);
    let created = tags.remove(CREATED_TAG).and_then(|text| text.parse().ok());
    ModelVersion {
        name: wire.name,
        version,
        // `Staging` is a stage of other people's.
        model_stage: ModelStage::parse(&wire.current_stage).unwrap_or(ModelStage::None),
        aliases: wire.aliases.into_iter().collect(),
        run_id: wire.run_id,
        source: wire.source,
        description: wire.description,
        tags,
        created_ms: created.unwrap_or(wire.creation_timestamp),
    }
}
