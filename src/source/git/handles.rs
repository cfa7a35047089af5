//! A pool of handles to one repository.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Handles that threads borrow and return. Each caches what it has unpacked, which the next object
/// of the same pack is often based on.
pub(super) struct Handles {
    repository: gix::ThreadSafeRepository,
    idle: Mutex<Vec<gix::Repository>>,
}

impl Handles {
    /// Handles to a repository.
    pub fn new(repository: gix::ThreadSafeRepository) -> Self {
        Self {
            repository,
            idle: Mutex::default(),
        }
    }

    /// Returns a handle that no other thread has.
    pub fn with<T>(&self, act: impl FnOnce(&gix::Repository) -> T) -> T {
        let idle = self.idle().pop();
        let handle = idle.unwrap_or_else(|| self.repository.to_thread_local());
        let done = act(&handle);
        self.idle().push(handle);
        done
    }

    /// The pool is intact after a panic, because a handle is taken out while it is in use.
    fn idle(&self) -> MutexGuard<'_, Vec<gix::Repository>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handles").finish_non_exhaustive()
    }
}
