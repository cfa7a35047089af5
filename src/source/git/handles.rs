//! A pool of handles to one repository.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Handles that threads borrow and return. Each caches objects that it has unpacked, which further
/// objects of the same pack are often based on.
pub(super) struct Handles {
    repository: gix::ThreadSafeRepository,
    idle: Mutex<Vec<gix::Repository>>,
}

impl Handles {
    /// Returns a pool of handles to a repository.
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

    /// Locks the pool. It is intact after a panic, because a handle is taken out while it is in
    /// use.
    fn idle(&self) -> MutexGuard<'_, Vec<gix::Repository>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handles").finish_non_exhaustive()
    }
}
