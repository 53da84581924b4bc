//! Progress bars on stderr.

use std::{
    fmt,
    io::{self, IsTerminal as _},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Makes progress bars; hidden ones if nobody would see them.
#[derive(Clone)]
pub struct Progress {
    bars: MultiProgress,
}

impl Progress {
    /// Bars on stderr, if they are `wanted` and stderr is a terminal.
    pub fn new(wanted: bool) -> Self {
        let visible = wanted && io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target) }
    }

    /// Bars that nobody sees.
    pub fn hidden() -> Self {
        Self::new(false)
    }

    /// A bar that counts up to `total`, and vanishes when it is dropped.
    pub fn bar(&self, label: &str, total: usize) -> Bar {
        // Clamped by the type: no machine has more than 2^64 steps to show.
        let bar = ProgressBar::new(total as u64).with_style(style()).with_message(label.to_owned());
        Bar(self.bars.add(bar))
    }

    /// A bar that counts the bytes of something whose size may not be known yet, and vanishes when it is dropped.
    pub fn bytes(&self, label: &str) -> Bar {
        let bar = ProgressBar::no_length().with_style(style_of_bytes()).with_message(label.to_owned());
        Bar(self.bars.add(bar))
    }

    /// Does something, such as writing a line to stderr, while no bar is on the screen.
    pub(crate) fn suspend<R>(&self, action: impl FnOnce() -> R) -> R {
        self.bars.suspend(action)
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("hidden", &self.bars.is_hidden()).finish()
    }
}

fn style() -> ProgressStyle {
    // The template is a constant; should it ever be wrong, the plain style is as good.
    ProgressStyle::with_template("{msg:24} {bar:30} {pos}/{len} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn style_of_bytes() -> ProgressStyle {
    ProgressStyle::with_template("{msg:24} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// One progress bar. It may be shared between threads.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// One step done.
    pub fn inc(&self) {
        self.0.inc(1);
    }

    /// So much is done, of so much where that is known.
    pub fn set(&self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.0.set_length(total);
        }
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_counts_steps_from_many_threads() {
        let bar = Progress::hidden().bar("backtest", 8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| bar.inc());
            }
        });
        assert_eq!(bar.0.position(), 8);
    }

    #[test]
    fn a_bar_of_bytes_learns_its_size() {
        let bar = Progress::hidden().bytes("cases");
        bar.set(3, None);
        assert_eq!((bar.0.position(), bar.0.length()), (3, None));
        bar.set(7, Some(10));
        assert_eq!((bar.0.position(), bar.0.length()), (7, Some(10)));
    }
}
