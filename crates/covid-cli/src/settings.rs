//! Layered settings: defaults, a file, the environment, flags.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
};

use covid_core::{Explain, FaultKind, REDACTED, redact};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::CommonArgs;

/// The file of defaults, `config/default.toml`, as this program has it: each setting below a comment that says what it means.
pub const DEFAULTS: &str = include_str!("../../../config/default.toml");
const DEFAULTS_PATH: &str = "config/default.toml";

/// What every variable of the project begins with.
const PREFIX: &str = "COVID_";
/// Variables for tests alone; no program looks at them.
const TEST_PREFIX: &str = "COVID_TEST_";
/// Fixes the clock; known, but not a setting.
const NOW: &str = "COVID_NOW";
/// MLflow's own variable for the setting `tracking`.
const MLFLOW: &str = "MLFLOW_TRACKING_URI";
/// MLflow's and Prefect's own variables, and the settings that they stand for.
const CONVENTIONAL: [(&str, &str); 7] = [
    (MLFLOW, "tracking"),
    ("MLFLOW_TRACKING_USERNAME", "mlflow.username"),
    ("MLFLOW_TRACKING_PASSWORD", "mlflow.password"),
    ("MLFLOW_TRACKING_TOKEN", "mlflow.token"),
    ("PREFECT_API_URL", "prefect.api_url"),
    ("PREFECT_API_KEY", "prefect.api_key"),
    ("PREFECT_API_AUTH_STRING", "prefect.auth_string"),
];
/// Settings whose values are never shown.
const SECRETS: [&str; 8] = [
    "alerts.slack_url",
    "alerts.smtp_url",
    "alerts.webhook_secret",
    "alerts.webhook_url",
    "mlflow.password",
    "mlflow.token",
    "prefect.api_key",
    "prefect.auth_string",
];
/// The folder for downloads. Not set, it is in the user's own cache folder.
const CACHE_DIR: &str = "fetch.cache_dir";

/// The settings that a program asks for, from all layers: `config/default.toml` < `--config FILE` < environment < flags
/// (the common ones, then `overrides`, as dotted keys and values).
///
/// `T` holds the part that the program needs: it may leave out keys, and takes a text that is not set (`as_of`, say) as
/// an `Option`. Whatever `T` holds, an unknown key in the file or an unknown `COVID_*` variable is an error.
///
/// # Errors
/// If the file cannot be read, a name is unknown, or a value is not one that its setting takes.
pub fn settings<T: DeserializeOwned>(
    args: &CommonArgs,
    overrides: &[(&str, Value)],
    env: impl Iterator<Item = (String, String)>,
) -> Result<T, SettingsError> {
    let mut layers = Layers::defaults()?;
    if let Some(path) = &args.config {
        layers.add_file(path)?;
    }
    let env = env.collect();
    layers.add_environment(&env)?;
    for (key, value) in args.given() {
        let origin = Origin::Flag(format!("--{}", key.replace('_', "-")));
        layers.set(key, value, origin)?;
    }
    for (key, value) in overrides {
        layers.set(key, value.clone(), Origin::CommandLine)?;
    }
    layers.add_cache_folder(&env)?;
    layers.resolve()
}

/// Who set a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, as `--config FILE`.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A common flag.
    Flag(String),
    /// A flag of the stage's own.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the settings file `{}`", path.display()),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Flag(flag) => write!(f, "the flag {flag}"),
            Self::CommandLine => f.write_str("the command line"),
        }
    }
}

/// Settings that cannot be obeyed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("line {line} of the settings file `{}` is not valid TOML: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The first line that is wrong, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// There is no such setting.
    #[error("{origin} sets `{key}`, which is not a setting")]
    UnknownKey {
        /// The dotted key.
        key: String,
        /// Who set it.
        origin: Origin,
        /// The key that looks most like it.
        close: Option<String>,
    },
    /// There is no such variable.
    #[error("the environment variable {name} stands for no setting")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The variable that looks most like it.
        close: Option<String>,
    },
    /// The value is of another type.
    #[error("{origin} sets `{key}` to `{value}`, but {expected} is expected")]
    WrongType {
        /// The dotted key.
        key: String,
        /// Who set it.
        origin: Origin,
        /// The value.
        value: String,
        /// What is expected.
        expected: &'static str,
    },
    /// The value is of the right type, but the setting does not take it.
    #[error("{origin} sets `{key}` to `{value}`, which it cannot be: {reason}")]
    BadValue {
        /// The dotted key.
        key: String,
        /// Who set it.
        origin: Origin,
        /// The value.
        value: String,
        /// Why.
        reason: String,
    },
    /// MLflow's variable names a tracker that only MLflow itself can open.
    #[error(
        "the environment variable MLFLOW_TRACKING_URI names a `{scheme}` tracker, but only http and https are read"
    )]
    MlflowScheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// The defaults do not give what a program asks for.
    #[error("the settings do not fit the program: {reason}")]
    Misfit {
        /// Why.
        reason: String,
    },
}

impl Explain for SettingsError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Misfit { .. } => FaultKind::Unexpected,
            _ => FaultKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("give --config a file that exists and may be read".into()),
            Self::Syntax { .. } => Some(format!("{DEFAULTS_PATH} shows the layout")),
            Self::WrongType { key, .. } | Self::BadValue { key, .. } => {
                Some(description(key).unwrap_or_else(|| format!("{DEFAULTS_PATH} describes every setting")))
            }
            Self::UnknownKey { close, .. } => Some(did_you_mean(close.as_deref().map(|key| format!("`{key}`")))),
            Self::UnknownVariable { close, .. } => Some(did_you_mean(close.clone())),
            Self::MlflowScheme { .. } => {
                Some("unset it, or say --tracking embedded:PATH or --tracking http://HOST".into())
            }
            Self::Misfit { .. } => None,
        }
    }
}

fn did_you_mean(close: Option<String>) -> String {
    close.map_or_else(|| format!("{DEFAULTS_PATH} lists every setting"), |close| format!("did you mean {close}?"))
}

/// The section whose sections are all alike, and may be added to; the first of them has all keys.
const RULES: &str = "monitoring.rules.";
const FIRST_RULE: &str = "monitoring.rules.wrong.";

/// The key of the first rule that stands for the same key of any.
fn template(key: &str) -> Option<String> {
    let (name, field) = key.strip_prefix(RULES)?.split_once('.')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    is_name.then(|| format!("{FIRST_RULE}{field}"))
}

/// What the comment above a setting says in the file of defaults.
fn description(key: &str) -> Option<String> {
    let described = template(key).unwrap_or_else(|| key.to_owned());
    comment_above(&described).map(|comment| format!("`{key}`: {comment}"))
}

fn comment_above(key: &str) -> Option<String> {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut here = "";
    let mut comment = Vec::new();
    for line in DEFAULTS.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            comment.push(text);
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            here = header.trim_end_matches(']');
        }
        if here == section && line.split_once('=').is_some_and(|(found, _)| found.trim() == name) {
            return Some(comment.join(" "));
        }
        comment.clear();
    }
    None
}

/// The defaults, by dotted key, and what was laid over them.
struct Layers {
    defaults: BTreeMap<String, Value>,
    chosen: BTreeMap<String, (Value, Origin)>,
}

impl Layers {
    fn defaults() -> Result<Self, SettingsError> {
        let defaults = flatten(parse(DEFAULTS, Path::new(DEFAULTS_PATH))?).into_iter().collect();
        Ok(Self { defaults, chosen: BTreeMap::new() })
    }

    fn add_file(&mut self, path: &Path) -> Result<(), SettingsError> {
        let text =
            fs::read_to_string(path).map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        for (key, value) in flatten(parse(&text, path)?) {
            self.set(&key, value, Origin::File(path.to_owned()))?;
        }
        Ok(())
    }

    fn add_environment(&mut self, env: &BTreeMap<String, String>) -> Result<(), SettingsError> {
        for (name, key) in CONVENTIONAL {
            if let Some(text) = env.get(name).filter(|text| !text.is_empty()) {
                self.set(key, Value::String(text.clone()), Origin::Variable(name.to_owned()))?;
            }
        }
        let keys: BTreeMap<String, String> = self.known().into_iter().map(|key| (variable(&key), key)).collect();
        for (name, text) in env.iter().filter(|(name, _)| is_ours(name)) {
            let key = keys.get(name).ok_or_else(|| SettingsError::UnknownVariable {
                name: name.clone(),
                close: closest(name, keys.keys().map(String::as_str).chain([NOW])),
            })?;
            // A shell or a workflow that passes on what nobody set: only a text that may be empty is set by that.
            if text.is_empty() && self.default_of(key).is_some_and(|default| !may_be_empty(key, default)) {
                continue;
            }
            let value = self.default_of(key).and_then(|default| read_as(default, text));
            let value = value.unwrap_or_else(|| Value::String(text.clone()));
            self.set(key, value, Origin::Variable(name.clone()))?;
        }
        Ok(())
    }

    /// Puts downloads into the user's cache folder, unless somebody said otherwise.
    fn add_cache_folder(&mut self, env: &BTreeMap<String, String>) -> Result<(), SettingsError> {
        let is_set = self.chosen.get(CACHE_DIR).is_some_and(|(value, _)| !is_empty(value));
        match cache_folder(env) {
            Some((folder, variable)) if !is_set => {
                let folder = folder.to_string_lossy().into_owned();
                self.set(CACHE_DIR, Value::String(folder), Origin::Variable(variable.to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), SettingsError> {
        let Some(default) = self.default_of(key) else {
            return Err(self.misplaced(key, &value, origin));
        };
        let value = match value {
            // What a file of a secret ends with is no part of it.
            Value::String(text) if SECRETS.contains(&key) => Value::String(text.trim().to_owned()),
            value => value,
        };
        match convert(default, value) {
            Ok(value) => drop(self.chosen.insert(key.to_owned(), (value, origin))),
            Err(value) => {
                let (key, value, expected) = (key.to_owned(), shown(key, &value), expected(default));
                return Err(SettingsError::WrongType { key, origin, value, expected });
            }
        }
        Ok(())
    }

    /// The default of a setting; of a rule's key that has none, one of the same type.
    fn default_of(&self, key: &str) -> Option<&Value> {
        self.defaults.get(key).or_else(|| self.defaults.get(&template(key)?))
    }

    /// Every key that may be set: those of the defaults, and all keys of the rules that are there by now.
    fn known(&self) -> BTreeSet<String> {
        let set = || self.defaults.keys().chain(self.chosen.keys());
        let rules: BTreeSet<&str> = set().filter_map(|key| Some(key.strip_prefix(RULES)?.split_once('.')?.0)).collect();
        let fields: Vec<&str> = self.defaults.keys().filter_map(|key| key.strip_prefix(FIRST_RULE)).collect();
        let of_rules = rules.iter().flat_map(|rule| fields.iter().map(move |field| format!("{RULES}{rule}.{field}")));
        set().cloned().chain(of_rules).collect()
    }

    /// The error for a key that is no setting: perhaps the name of a section.
    fn misplaced(&self, key: &str, value: &Value, origin: Origin) -> SettingsError {
        let section = format!("{key}.");
        if self.defaults.keys().any(|known| known.starts_with(&section)) {
            let (key, value) = (key.to_owned(), shown(key, value));
            return SettingsError::WrongType { key, origin, value, expected: "a section" };
        }
        let close = closest(key, self.defaults.keys().map(String::as_str));
        SettingsError::UnknownKey { key: key.to_owned(), origin, close }
    }

    fn resolve<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        self.check_mlflow()?;
        let chosen = |key: &str| self.chosen.get(key).map(|(value, _)| value);
        self.read(chosen).map_err(|error| self.blame::<T>(&error))
    }

    /// MLflow's variable is judged last, since a stronger layer may have made it irrelevant.
    fn check_mlflow(&self) -> Result<(), SettingsError> {
        match self.chosen.get("tracking") {
            Some((Value::String(uri), Origin::Variable(name))) if name == MLFLOW => {
                // The scheme alone is quoted: what follows may hold a password.
                let scheme = uri.split_once(':').map_or("file", |(scheme, _)| scheme);
                match scheme.to_ascii_lowercase().as_str() {
                    "http" | "https" => Ok(()),
                    scheme => Err(SettingsError::MlflowScheme { scheme: scheme.to_owned() }),
                }
            }
            _ => Ok(()),
        }
    }

    /// The defaults with the chosen values in their places.
    fn read<'a, T: DeserializeOwned>(
        &'a self,
        chosen: impl Fn(&str) -> Option<&'a Value>,
    ) -> Result<T, toml::de::Error> {
        let mut table = Table::new();
        for (key, default) in &self.defaults {
            let value = chosen(key).unwrap_or(default);
            let unset = is_empty(value) && may_be_empty(key, default);
            if !unset {
                insert(&mut table, key, value.clone());
            }
        }
        let added = self.chosen.keys().filter(|key| !self.defaults.contains_key(*key));
        for (key, value) in added.filter_map(|key| Some((key, chosen(key)?))).filter(|(_, value)| !is_empty(value)) {
            insert(&mut table, key, value.clone());
        }
        table.try_into()
    }

    /// Finds the one setting at fault by laying each over the defaults alone.
    fn blame<T: DeserializeOwned>(&self, error: &toml::de::Error) -> SettingsError {
        if let Err(error) = self.read::<T>(|_| None) {
            return SettingsError::Misfit { reason: error.message().to_owned() };
        }
        // The keys of a rule are judged together: one alone is none.
        let rule = |key: &str| template(key).and_then(|_| Some(key.rsplit_once('.')?.0.to_owned()));
        for (key, (value, origin)) in &self.chosen {
            let beside = |other: &str| other == key || (rule(key).is_some() && rule(key) == rule(other));
            let laid = |other: &str| self.chosen.get(other).filter(|_| beside(other)).map(|(value, _)| value);
            if let Err(error) = self.read::<T>(laid) {
                return SettingsError::BadValue {
                    key: key.clone(),
                    origin: origin.clone(),
                    value: shown(key, value),
                    reason: error.message().to_owned(),
                };
            }
        }
        SettingsError::Misfit { reason: error.message().to_owned() }
    }
}

/// Where the user's downloads belong, by the XDG Base Directory Specification, which passes over a path that is not
/// absolute; and the variable that says so.
fn cache_folder(env: &BTreeMap<String, String>) -> Option<(PathBuf, &'static str)> {
    let absolute = |name| env.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let user_s = absolute("XDG_CACHE_HOME").map(|path| (path, "XDG_CACHE_HOME"));
    let (folder, variable) = user_s.or_else(|| absolute("HOME").map(|home| (home.join(".cache"), "HOME")))?;
    Some((folder.join("covid/jhu"), variable))
}

fn parse(text: &str, path: &Path) -> Result<Table, SettingsError> {
    text.parse::<Table>().map_err(|error| SettingsError::Syntax {
        path: path.to_owned(),
        line: error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.matches('\n').count() + 1),
        reason: error.message().lines().collect::<Vec<_>>().join(" "),
    })
}

/// Dotted keys and their values; an empty section counts as a value, so that an unknown one is noticed.
fn flatten(table: Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                flat.extend(flatten(inner).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            value => flat.push((name, value)),
        }
    }
    flat
}

/// Puts a value at a dotted key.
fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((section, rest)) => {
            let inner = table.entry(section.to_owned()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) && name != NOW
}

/// Whether a setting may be left without a value: a text without a default, and a rule's limit, which may be taken away.
fn may_be_empty(key: &str, default: &Value) -> bool {
    is_empty(default) || (key.starts_with(RULES) && default.is_str())
}

fn is_empty(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

/// A variable's text as the type of the default; none if it does not read as one.
fn read_as(default: &Value, text: &str) -> Option<Value> {
    match default {
        Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
        Value::Float(_) => text.trim().parse().ok().map(Value::Float),
        Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
        _ => None,
    }
}

/// The value if it has the default's type or can be taken as such, else the value back.
fn convert(default: &Value, value: Value) -> Result<Value, Value> {
    match (default, value) {
        (Value::Float(_), Value::Integer(whole)) => Ok(Value::Float(whole as f64)),
        // In TOML a date, and a number, may stand without quotes.
        (Value::String(_), Value::Datetime(date)) => Ok(Value::String(date.to_string())),
        (Value::String(_), Value::Integer(whole)) => Ok(Value::String(whole.to_string())),
        (Value::String(_), Value::Float(number)) => Ok(Value::String(number.to_string())),
        (default, value) if default.same_type(&value) => Ok(value),
        (_, value) => Err(value),
    }
}

fn expected(default: &Value) -> &'static str {
    match default {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

/// A value as errors show it: without quotes, and without what may be the password of an address; no secret at all.
fn shown(key: &str, value: &Value) -> String {
    if SECRETS.contains(&key) {
        return REDACTED.to_owned();
    }
    match value {
        Value::String(text) => redact(text),
        value => value.to_string(),
    }
}

/// The known name most like another, if any is like it; a name without its section counts, too.
fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let likeness = |known: &str| {
        let short = known.rsplit('.').next().unwrap_or(known);
        strsim::normalized_damerau_levenshtein(known, name).max(strsim::normalized_damerau_levenshtein(short, name))
    };
    let best = known.map(|known| (likeness(known), known)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.6).then(|| best.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_described() {
        let layers = Layers::defaults().unwrap();
        assert_eq!(layers.defaults.len(), 101);
        for key in layers.defaults.keys() {
            let description = description(key).unwrap();
            assert!(description.ends_with('.'), "{description}");
        }
        assert_eq!(
            description("prediction.horizon").unwrap(),
            "`prediction.horizon`: Days ahead that are predicted, 1 to 60."
        );
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = |key, text: &str| shown(key, &Value::String(text.into()));
        assert_eq!(shown("tracking", "http://me:secret@host/x"), "http://<redacted>@host/x");
        assert_eq!(shown("tracking", "me:secret@host:5000"), "<redacted>@host:5000");
        assert_eq!(shown("tracking", "http://h/?password=secret"), "http://h/?<redacted>");
        assert_eq!(shown("mlflow.token", "secret"), "<redacted>");
        for secret in SECRETS {
            assert!(description(secret).is_some(), "{secret} is a setting");
            assert_eq!(shown(secret, "https://hooks.example/services/secret"), "<redacted>");
        }
    }
}
