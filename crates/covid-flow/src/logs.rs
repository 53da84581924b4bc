//! Log lines of flow runs, brought from `tracing` to the run's observer.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing::{
    Event as TracingEvent, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer,
    layer::Context as LayerContext,
    registry::{LookupSpan, Scope},
};

use crate::{Clock, Event, LogLine, Observer};

type Routes = HashMap<String, (Arc<dyn Observer>, Arc<dyn Clock>)>;

/// A layer that gives each line logged inside a flow run to that run's observer. A program installs one in its subscriber,
/// and there is nothing more to do: flow runs find it.
///
/// Work on another thread is inside the run if it is given the span: `let span = Span::current()` before, and
/// `span.in_scope(work)` there.
#[derive(Default)]
pub struct FlowLogs {
    /// By flow run: who is told, and by which clock.
    routes: Mutex<Routes>,
}

impl FlowLogs {
    /// A layer for lines from level `INFO` on.
    pub fn new() -> Self {
        Self::default()
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FlowLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowLogs").finish_non_exhaustive()
    }
}

/// Leads a flow run's lines to its observer until it is dropped.
pub(crate) struct Route {
    flow_run_id: String,
}

/// Finds the layer in the subscriber of now, if there is one.
fn with_layer(then: impl Fn(&FlowLogs)) {
    tracing::dispatcher::get_default(|dispatch| {
        if let Some(layer) = dispatch.downcast_ref::<FlowLogs>() {
            then(layer);
        }
    });
}

pub(crate) fn route(flow_run_id: &str, observer: &Arc<dyn Observer>, clock: &Arc<dyn Clock>) -> Route {
    with_layer(|layer| {
        layer.routes().insert(flow_run_id.to_owned(), (observer.clone(), clock.clone()));
    });
    Route { flow_run_id: flow_run_id.to_owned() }
}

impl Drop for Route {
    fn drop(&mut self) {
        with_layer(|layer| {
            layer.routes().remove(&self.flow_run_id);
        });
    }
}

/// What of a span is of interest: the runs that it stands for.
#[derive(Default)]
struct RunIds {
    flow_run: Option<String>,
    task_run: Option<String>,
}

impl Visit for RunIds {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "flow_run_id" => self.flow_run = Some(format!("{value:?}")),
            "task_run_id" => self.task_run = Some(format!("{value:?}")),
            _ => {}
        }
    }
}

/// The text of an event: its message and its fields.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" if self.0.is_empty() => write!(self.0, "{value:?}"),
            "message" => {
                self.0.insert_str(0, &format!("{value:?} "));
                Ok(())
            }
            name => write!(self.0, "{}{name}={value:?}", if self.0.is_empty() { "" } else { " " }),
        };
        // Writing to a string does not fail.
        let _ = written;
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for FlowLogs {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: LayerContext<'_, S>) {
        let mut ids = RunIds::default();
        attributes.record(&mut ids);
        if let Some(span) = context.span(id).filter(|_| ids.flow_run.is_some() || ids.task_run.is_some()) {
            span.extensions_mut().insert(ids);
        }
    }

    fn on_event(&self, event: &TracingEvent<'_>, context: LayerContext<'_, S>) {
        if *event.metadata().level() > Level::INFO {
            return;
        }
        let Some((flow_run_id, task_run_id)) = context.event_scope(event).and_then(runs) else {
            return;
        };
        let Some((observer, clock)) = self.routes().get(&flow_run_id).cloned() else {
            return;
        };
        let mut text = Text::default();
        event.record(&mut text);
        observer.observe(Event::Log(LogLine {
            flow_run_id,
            task_run_id,
            at: clock.now(),
            level: event.metadata().level().as_str().to_ascii_lowercase(),
            target: event.metadata().target().to_owned(),
            message: text.0,
        }));
    }
}

/// The innermost flow run around an event, and the task run inside it.
fn runs<'a, S: LookupSpan<'a>>(scope: Scope<'a, S>) -> Option<(String, Option<String>)> {
    let mut task_run = None;
    for span in scope {
        let extensions = span.extensions();
        let Some(ids) = extensions.get::<RunIds>() else { continue };
        task_run = task_run.or_else(|| ids.task_run.clone());
        if let Some(flow_run) = &ids.flow_run {
            return Some((flow_run.clone(), task_run));
        }
    }
    None
}
