//! Counts how far reading has come, for the progress line.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is read. There is one for the process, as there is one terminal: several clusters
/// add up.
#[derive(Debug, Default)]
pub struct Meter {
    groups: AtomicUsize,
    read: AtomicUsize,
    objects: AtomicUsize,
    to_render: AtomicUsize,
    rendered: AtomicUsize,
}

/// Where a process is in reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// Kinds in a namespace that are to be read.
    pub groups: usize,
    /// Those that were.
    pub read: usize,
    /// Objects that were found so far.
    pub objects: usize,
    /// Kustomizations, charts and Applications that are to be rendered.
    pub to_render: usize,
    /// Those that were.
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
    /// Returns the process's own.
    pub fn of_process() -> &'static Self {
        &METER
    }

    /// Returns what was counted so far.
    pub fn reached(&self) -> Reached {
        Reached {
            groups: self.groups.load(Ordering::Relaxed),
            read: self.read.load(Ordering::Relaxed),
            objects: self.objects.load(Ordering::Relaxed),
            to_render: self.to_render.load(Ordering::Relaxed),
            rendered: self.rendered.load(Ordering::Relaxed),
        }
    }

    /// Adds to what is to be rendered.
    pub fn plan_renderings(&self, count: usize) {
        self.to_render.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts one that was rendered.
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
    fn what_is_read_adds_up() {
        let meter = Meter::default();
        meter.plan(3);
        meter.group();
        meter.objects(500);
        meter.objects(12);
        meter.plan_renderings(2);
        meter.rendering();
        let expected = Reached {
            groups: 3,
            read: 1,
            objects: 512,
            to_render: 2,
            rendered: 1,
        };
        assert_eq!(meter.reached(), expected);
    }
}
