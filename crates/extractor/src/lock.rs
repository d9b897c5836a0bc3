//! Locking where a panic of another thread changes nothing about what is locked.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
