//! Counts the progress of reading, for the progress line.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what was read. There is one counter per process, which adds up all clusters, because
/// there is only one terminal.
#[derive(Debug, Default)]
pub struct Meter {
    groups: AtomicUsize,
    read: AtomicUsize,
    objects: AtomicUsize,
    to_render: AtomicUsize,
    rendered: AtomicUsize,
}

/// The progress of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadProgress {
    /// Groups (a kind in a namespace) to read.
    pub groups: usize,
    /// Groups that were read.
    pub read: usize,
    /// Objects found so far.
    pub objects: usize,
    /// Kustomizations, charts and Applications to render.
    pub to_render: usize,
    /// Those that are rendered.
    pub rendered: usize,
}

static METER: Meter = Meter {
    groups: AtomicUsize::new(0),
    read: AtomicUsize::new(0),
    objects: AtomicUsize::new(0),
    to_render: AtomicUsize::new(0),
    rendered: AtomicUsize::new(0),
};

impl Meter {
    /// Returns the process's counter.
    pub fn of_process() -> &'static Self {
        &METER
    }

    /// Returns the progress so far.
    pub fn reached(&self) -> ReadProgress {
        ReadProgress {
            groups: self.groups.load(Ordering::Relaxed),
            read: self.read.load(Ordering::Relaxed),
            objects: self.objects.load(Ordering::Relaxed),
            to_render: self.to_render.load(Ordering::Relaxed),
            rendered: self.rendered.load(Ordering::Relaxed),
        }
    }

    /// Adds to the number of things to render.
    pub fn plan_renderings(&self, count: usize) {
        self.to_render.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts one rendering.
    pub fn rendering(&self) {
        self.rendered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn plan(&self, groups: usize) {
        self.groups.fetch_add(groups, Ordering::Relaxed);
    }

    pub(super) fn group(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn objects(&self, objects: usize) {
        self.objects.fetch_add(objects, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up() {
        let meter = Meter::default();
        meter.plan(3);
        meter.group();
        meter.objects(500);
        meter.objects(12);
        meter.plan_renderings(2);
        meter.rendering();
        let expected = ReadProgress {
            groups: 3,
            read: 1,
            objects: 512,
            to_render: 2,
            rendered: 1,
        };
        assert_eq!(meter.reached(), expected);
    }
}
