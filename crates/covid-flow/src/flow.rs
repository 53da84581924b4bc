//! Flows, and the registry of them by name.

use std::{collections::BTreeMap, fmt, future::Future, sync::Arc};

use covid_core::Fault;
use futures_util::future::BoxFuture;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Context, FlowError};

type Body<P, R> = Arc<dyn Fn(Context, P) -> BoxFuture<'static, Result<R, Fault>> + Send + Sync>;

/// A named asynchronous function of parameters `P` with a result `R`.
pub struct Flow<P, R = ()> {
    name: String,
    description: String,
    body: Body<P, R>,
}

impl<P, R> Flow<P, R>
where
    P: Serialize + DeserializeOwned + JsonSchema + Send + 'static,
    R: Send + 'static,
{
    /// A flow. The name is what schedules and deployments call it by; the description is for people.
    pub fn new<F>(name: &str, description: &str, body: impl Fn(Context, P) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, Fault>> + Send + 'static,
    {
        let body: Body<P, R> = Arc::new(move |context, parameters| Box::pin(body(context, parameters)));
        Self { name: name.to_owned(), description: description.to_owned(), body }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn call(&self, context: Context, parameters: P) -> BoxFuture<'static, Result<R, Fault>> {
        (self.body)(context, parameters)
    }

    /// The flow for who knows its name alone: parameters come as a document, and the result is dropped.
    pub fn erased(&self) -> AnyFlow {
        let (body, name) = (self.body.clone(), self.name.clone());
        let run = move |context: Context, parameters: Value| -> Result<_, FlowError> {
            let parameters = read::<P>(&name, parameters)?;
            let running = body(context, parameters);
            let dropped: BoxFuture<'static, Result<(), Fault>> = Box::pin(async move { running.await.map(drop) });
            Ok(dropped)
        };
        let check = {
            let name = self.name.clone();
            move |parameters: Value| read::<P>(&name, parameters).map(drop)
        };
        AnyFlow {
            name: self.name.clone(),
            description: self.description.clone(),
            schema: schema::<P>(),
            run: Arc::new(run),
            check: Arc::new(check),
        }
    }
}

impl<P, R> fmt::Debug for Flow<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flow({})", self.name)
    }
}

/// Reads parameters; none at all are those that have their defaults.
fn read<P: DeserializeOwned>(flow: &str, parameters: Value) -> Result<P, FlowError> {
    let parameters = if parameters.is_null() { Value::Object(Default::default()) } else { parameters };
    serde_json::from_value(parameters)
        .map_err(|error| FlowError::BadParameters { flow: flow.to_owned(), reason: error.to_string() })
}

/// The JSON schema of the parameters, of draft 7 and without references to elsewhere: what Prefect's pages can show.
fn schema<P: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<P>().to_value()
}

type ErasedBody = Arc<dyn Fn(Context, Value) -> Result<BoxFuture<'static, Result<(), Fault>>, FlowError> + Send + Sync>;

/// A flow whose parameters are a JSON document.
#[derive(Clone)]
pub struct AnyFlow {
    name: String,
    description: String,
    schema: Value,
    run: ErasedBody,
    check: Arc<dyn Fn(Value) -> Result<(), FlowError> + Send + Sync>,
}

impl AnyFlow {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The JSON schema of the parameters.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Whether the flow can take these parameters; `null` stands for none.
    ///
    /// # Errors
    /// [`FlowError::BadParameters`].
    pub fn check(&self, parameters: &Value) -> Result<(), FlowError> {
        (self.check)(parameters.clone())
    }

    /// Begins the flow.
    ///
    /// # Errors
    /// [`FlowError::BadParameters`].
    pub(crate) fn call(
        &self,
        context: Context,
        parameters: Value,
    ) -> Result<BoxFuture<'static, Result<(), Fault>>, FlowError> {
        (self.run)(context, parameters)
    }
}

impl fmt::Debug for AnyFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyFlow({})", self.name)
    }
}

/// Flows by name.
#[derive(Debug, Clone, Default)]
pub struct Flows(BTreeMap<String, AnyFlow>);

impl Flows {
    /// Adds a flow.
    ///
    /// # Errors
    /// If there is one of that name, or Prefect would refuse the name.
    pub fn with<P, R>(mut self, flow: &Flow<P, R>) -> Result<Self, FlowError>
    where
        P: Serialize + DeserializeOwned + JsonSchema + Send + 'static,
        R: Send + 'static,
    {
        let flow = flow.erased();
        let name = flow.name().to_owned();
        if name.is_empty() || name.contains(['/', '%', '&', '>', '<']) || name.contains(char::is_control) {
            let reason = "it must be there, without `/`, `%`, `&`, `<` and `>`";
            return Err(FlowError::BadName { what: "name of a flow", name, reason });
        }
        match self.0.insert(name.clone(), flow) {
            None => Ok(self),
            Some(_) => Err(FlowError::NameTaken { what: "flows", name }),
        }
    }

    /// The flow of that name.
    ///
    /// # Errors
    /// [`FlowError::UnknownFlow`].
    pub fn get(&self, name: &str) -> Result<&AnyFlow, FlowError> {
        self.0.get(name).ok_or_else(|| {
            let known: Vec<_> = self.0.keys().map(|name| format!("`{name}`")).collect();
            FlowError::UnknownFlow { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// All flows, by name.
    pub fn iter(&self) -> impl Iterator<Item = &AnyFlow> {
        self.0.values()
    }
}
