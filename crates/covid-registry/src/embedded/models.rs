//! The model registry's side of the embedded backend.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Row, params};

use super::{
    EmbeddedRegistry,
    session::{Failure, Session, word},
};
use crate::{
    CHALLENGER, CHAMPION, ModelRegistry, ModelStage, ModelVersion, NewVersion, Promotion, PromotionEvent,
    PromotionKind, RegisteredModel, RegistryError, champions,
    models::rollback_event,
    names::{
        check_alias, check_description, check_evidence, check_free_alias, check_registered_model, check_source,
        check_tag, check_tags,
    },
};

#[async_trait]
impl ModelRegistry for EmbeddedRegistry {
    async fn get_or_create_registered_model(
        &self,
        name: &str,
        description: &str,
    ) -> Result<RegisteredModel, RegistryError> {
        check_registered_model(name)?;
        check_description(name, description)?;
        let (name, description) = (name.to_owned(), description.to_owned());
        self.write(move |session| session.get_or_create_model(&name, &description)).await
    }

    async fn list_registered_models(&self) -> Result<Vec<RegisteredModel>, RegistryError> {
        self.read(|session| session.models()).await
    }

    async fn create_version(&self, name: &str, new: &NewVersion) -> Result<ModelVersion, RegistryError> {
        check_source(name, &new.source)?;
        check_description(name, &new.description)?;
        check_tags(&new.tags)?;
        let (name, new) = (name.to_owned(), new.clone());
        self.write(move |session| session.create_version(&name, &new)).await
    }

    async fn get_version(&self, name: &str, version: u64) -> Result<ModelVersion, RegistryError> {
        let name = name.to_owned();
        self.read(move |session| session.version(&name, version)).await
    }

    async fn list_versions(&self, name: &str) -> Result<Vec<ModelVersion>, RegistryError> {
        let name = name.to_owned();
        self.read(move |session| session.versions(&name)).await
    }

    async fn set_version_tag(&self, name: &str, version: u64, key: &str, value: &str) -> Result<(), RegistryError> {
        check_tag(key, value)?;
        let (name, key, value) = (name.to_owned(), key.to_owned(), value.to_owned());
        self.write(move |session| {
            session.version(&name, version)?;
            session.set_tag(&name, version, &key, &value)
        })
        .await
    }

    async fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), RegistryError> {
        check_free_alias(name, alias)?;
        let (name, alias) = (name.to_owned(), alias.to_owned());
        self.write(move |session| {
            session.version(&name, version)?;
            session.set_alias(&name, &alias, version)
        })
        .await
    }

    async fn delete_alias(&self, name: &str, alias: &str) -> Result<(), RegistryError> {
        check_free_alias(name, alias)?;
        let (name, alias) = (name.to_owned(), alias.to_owned());
        self.write(move |session| {
            session.sql.execute("DELETE FROM aliases WHERE name = ?1 AND alias = ?2", [&name, &alias])?;
            Ok(())
        })
        .await
    }

    async fn get_version_by_alias(&self, name: &str, alias: &str) -> Result<Option<ModelVersion>, RegistryError> {
        check_alias(alias)?;
        let (name, alias) = (name.to_owned(), alias.to_owned());
        self.read(move |session| {
            let number = session.alias(&name, &alias)?;
            number.map(|version| session.version(&name, version)).transpose()
        })
        .await
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
        let (name, evidence) = (name.to_owned(), evidence.to_owned());
        let promotion =
            self.write(move |session| session.promote(&name, version, expected_champion, evidence, at_ms)).await?;
        if let Promotion::Promoted(event) = &promotion {
            tracing::debug!(model = event.name, version = event.version, previous = event.previous, "promoted");
        }
        Ok(promotion)
    }

    async fn rollback(&self, name: &str, expected_champion: u64, at_ms: i64) -> Result<PromotionEvent, RegistryError> {
        let name = name.to_owned();
        let event = self.write(move |session| session.rollback(&name, expected_champion, at_ms)).await?;
        tracing::debug!(model = event.name, version = event.version, previous = event.previous, "rolled back");
        Ok(event)
    }

    async fn promotions(&self, name: &str) -> Result<Vec<PromotionEvent>, RegistryError> {
        let name = name.to_owned();
        self.read(move |session| session.promotions(&name)).await
    }
}

impl Session<'_> {
    fn get_or_create_model(&self, name: &str, description: &str) -> Result<RegisteredModel, Failure> {
        self.sql.execute(
            "INSERT INTO registered_models (name, description) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            [name, description],
        )?;
        let description =
            self.sql
                .query_row("SELECT description FROM registered_models WHERE name = ?1", [name], |row| row.get(0))?;
        Ok(RegisteredModel { name: name.to_owned(), description, aliases: self.aliases(name)? })
    }

    fn models(&self) -> Result<Vec<RegisteredModel>, Failure> {
        let mut statement = self.sql.prepare("SELECT name, description FROM registered_models ORDER BY name")?;
        let found = statement.query_map([], |row| {
            Ok(RegisteredModel {
                name: row.get("name")?,
                description: row.get("description")?,
                aliases: BTreeMap::new(),
            })
        })?;
        let models = found.collect::<Result<Vec<_>, _>>()?;
        models.into_iter().map(|model| Ok(RegisteredModel { aliases: self.aliases(&model.name)?, ..model })).collect()
    }

    fn create_version(&self, name: &str, new: &NewVersion) -> Result<ModelVersion, Failure> {
        self.require_model(name)?;
        self.run_info(&new.run_id)?;
        let version = self.sql.query_row(
            "INSERT INTO model_versions (name, version, model_stage, run_id, source, description, created_ms) \
             SELECT ?1, ifnull(max(version), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM model_versions WHERE name = ?1 \
             RETURNING version",
            params![name, ModelStage::None.as_str(), new.run_id, new.source, new.description, new.created_ms],
            |row| unsigned(row, "version"),
        )?;
        for (key, value) in &new.tags {
            self.set_tag(name, version, key, value)?;
        }
        self.version(name, version)
    }

    fn require_model(&self, name: &str) -> Result<(), Failure> {
        let found = self.sql.query_row("SELECT 1 FROM registered_models WHERE name = ?1", [name], |_| Ok(()));
        match found.optional()? {
            Some(()) => Ok(()),
            None => Err(RegistryError::UnknownModel { name: name.to_owned(), uri: self.uri.clone() }.into()),
        }
    }

    fn version(&self, name: &str, version: u64) -> Result<ModelVersion, Failure> {
        let sql = "SELECT * FROM model_versions WHERE name = ?1 AND version = ?2";
        let found = self.sql.query_row(sql, params![name, signed(version)], model_version).optional()?;
        match found {
            Some(found) => self.with_tags_and_aliases(found),
            None => Err(RegistryError::UnknownVersion { name: name.to_owned(), version, uri: self.uri.clone() }.into()),
        }
    }

    fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, Failure> {
        let mut statement = self.sql.prepare("SELECT * FROM model_versions WHERE name = ?1 ORDER BY version DESC")?;
        let found = statement.query_map([name], model_version)?.collect::<Result<Vec<_>, _>>()?;
        found.into_iter().map(|version| self.with_tags_and_aliases(version)).collect()
    }

    fn with_tags_and_aliases(&self, mut version: ModelVersion) -> Result<ModelVersion, Failure> {
        let sql = "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2";
        let mut statement = self.sql.prepare_cached(sql)?;
        let tags = statement.query_map(params![version.name, signed(version.version)], |row| {
            Ok((row.get("key")?, row.get("value")?))
        })?;
        version.tags = tags.collect::<Result<_, _>>()?;
        let mut aliases = self.aliases(&version.name)?;
        aliases.retain(|_, named| *named == version.version);
        version.aliases = aliases.into_keys().collect();
        Ok(version)
    }

    fn aliases(&self, name: &str) -> Result<BTreeMap<String, u64>, Failure> {
        let mut statement = self.sql.prepare_cached("SELECT alias, version FROM aliases WHERE name = ?1")?;
        let aliases = statement.query_map([name], |row| Ok((row.get("alias")?, unsigned(row, "version")?)))?;
        Ok(aliases.collect::<Result<_, _>>()?)
    }

    fn alias(&self, name: &str, alias: &str) -> Result<Option<u64>, Failure> {
        let sql = "SELECT version FROM aliases WHERE name = ?1 AND alias = ?2";
        Ok(self.sql.query_row(sql, [name, alias], |row| unsigned(row, "version")).optional()?)
    }

    fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<(), Failure> {
        self.sql.execute(
            "INSERT INTO aliases (name, alias, version) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET version = excluded.version",
            params![name, alias, signed(version)],
        )?;
        Ok(())
    }

    fn set_tag(&self, name: &str, version: u64, key: &str, value: &str) -> Result<(), Failure> {
        self.sql.execute(
            "INSERT INTO model_version_tags (name, version, key, value) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET value = excluded.value",
            params![name, signed(version), key, value],
        )?;
        Ok(())
    }

    fn promote(
        &self,
        name: &str,
        version: u64,
        expected: Option<u64>,
        evidence: String,
        at_ms: i64,
    ) -> Result<Promotion, Failure> {
        self.version(name, version)?;
        let name = name.to_owned();
        let previous = self.alias(&name, CHAMPION)?;
        if previous == Some(version) {
            return Ok(Promotion::AlreadyChampion { name, version });
        }
        if previous != expected {
            return Err(RegistryError::LostRace { name, version: Some(version), expected, found: previous }.into());
        }
        let event = PromotionEvent { name, kind: PromotionKind::Promote, version, previous, evidence, at_ms };
        self.change_champion(&event)?;
        Ok(Promotion::Promoted(event))
    }

    fn rollback(&self, name: &str, expected: u64, at_ms: i64) -> Result<PromotionEvent, Failure> {
        let trail = self.promotions(name)?;
        let event = rollback_event(name, &trail, champions(&trail).last().copied(), expected, at_ms)?;
        self.change_champion(&event)?;
        Ok(event)
    }

    fn change_champion(&self, event: &PromotionEvent) -> Result<(), Failure> {
        if let Some(previous) = event.previous {
            self.set_stage(&event.name, previous, ModelStage::Archived)?;
        }
        self.set_stage(&event.name, event.version, ModelStage::Production)?;
        self.set_alias(&event.name, CHAMPION, event.version)?;
        self.sql.execute(
            "DELETE FROM aliases WHERE name = ?1 AND alias = ?2 AND version = ?3",
            params![event.name, CHALLENGER, signed(event.version)],
        )?;
        self.append_to_trail(event)
    }

    fn set_stage(&self, name: &str, version: u64, stage: ModelStage) -> Result<(), Failure> {
        self.sql.execute(
            "UPDATE model_versions SET model_stage = ?3 WHERE name = ?1 AND version = ?2",
            params![name, signed(version), stage.as_str()],
        )?;
        Ok(())
    }

    fn append_to_trail(&self, event: &PromotionEvent) -> Result<(), Failure> {
        let previous = event.previous.map(signed);
        self.sql.execute(
            "INSERT INTO promotions (name, kind, version, previous, evidence, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![event.name, event.kind.as_str(), signed(event.version), previous, event.evidence, event.at_ms],
        )?;
        Ok(())
    }

    fn promotions(&self, name: &str) -> Result<Vec<PromotionEvent>, Failure> {
        let mut statement = self.sql.prepare("SELECT * FROM promotions WHERE name = ?1 ORDER BY sequence")?;
        let events = statement.query_map([name], |row| {
            Ok(PromotionEvent {
                name: row.get("name")?,
                kind: word(row, "kind", PromotionKind::parse)?,
                version: unsigned(row, "version")?,
                previous: row.get::<_, Option<i64>>("previous")?.map(i64::unsigned_abs),
                evidence: row.get("evidence")?,
                at_ms: row.get("at_ms")?,
            })
        })?;
        Ok(events.collect::<Result<_, _>>()?)
    }
}

fn model_version(row: &Row<'_>) -> rusqlite::Result<ModelVersion> {
    Ok(ModelVersion {
        name: row.get("name")?,
        version: unsigned(row, "version")?,
        model_stage: word(row, "model_stage", ModelStage::parse)?,
        aliases: BTreeSet::new(),
        run_id: row.get("run_id")?,
        source: row.get("source")?,
        description: row.get("description")?,
        tags: BTreeMap::new(),
        created_ms: row.get("created_ms")?,
    })
}

/// A version as SQLite stores it. One beyond its range is none that it ever handed out, and matches no row.
fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}

/// A version as SQLite stored it; the schema allows no negative one.
fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}
