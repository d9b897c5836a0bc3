//! Whole runs of claimlake, by its binary, and the rules that hold the crates apart.
//! One integration binary, a module per topic.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test is its own message, in what tests share too"
)]

mod access_log;
mod advice;
mod borders;
mod broker;
mod carin;
mod changes;
mod command;
mod compare;
mod conformance;
mod consents;
mod current;
mod demo;
mod docs;
mod doctor;
mod documents;
mod few_files;
mod files;
mod forget;
mod forget_claims;
mod forget_damaged;
mod forgotten_again;
mod formats;
mod full_disk;
mod grants;
mod import;
mod interrupted_forget;
mod json_log;
mod kept_years;
mod lake_group;
mod lake_rows;
mod lossless;
mod lost_record;
mod makefile;
mod many_nights;
mod moving_to_v3;
mod nothing_yet;
mod odd_keys;
mod odd_names;
mod part2;
mod partitions;
mod printed_query;
mod protected;
mod publish;
mod publish_after_load;
mod publish_forget;
mod quiet;
mod read_only;
mod real_bodies;
mod references;
mod removals;
mod repairs;
mod report;
mod report_spending;
mod request_errors;
mod run;
mod run_states;
mod servers;
mod settings;
mod shapes;
mod staged_parquet;
mod status;
mod tampered;
mod trace;
mod upgrade;
mod usage;
mod vault;
mod vault_keys;
mod verify;
mod verify_moving;
mod verify_rollback;
mod verify_source;
mod verify_tables;
mod view;
mod view_input;
mod who;
