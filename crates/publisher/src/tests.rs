//! Whole publishes of small lakes, to a folder and to a store in memory.

mod compare;
mod earlier;
mod killed;
mod log;
mod others;
mod scene;
mod states;
