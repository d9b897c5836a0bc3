//! The broker as a process, with processes around it that are killed.
//!
//! `CLAIMLAKE_KILLS` says how often (a few times where it is not set), `CLAIMLAKE_GRANTS` how many
//! grants are refreshed meanwhile.

use std::process::Stdio;
use std::time::Duration;

use claimlake_consent::TokenSource as _;
use claimlake_sandbox::Sandbox;
use claimlake_vault::{GrantState, Vault};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::world::{self, VAULT_KEY, broker_has_ended, program};

/// A sandbox with people who have consented.
struct World {
    sandbox: Sandbox,
    vault: Vault,
    data: tempfile::TempDir,
    grants: usize,
}

fn number(variable: &str, usually: usize) -> usize {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usually)
}

async fn world(latency_ms: u64) -> World {
    world_of(number("CLAIMLAKE_GRANTS", 12), latency_ms).await
}

async fn world_of(grants: usize, latency_ms: u64) -> World {
    let sandbox = world::sandbox(grants).await;
    let data = tempfile::tempdir().unwrap();
    let vault = world::consented(&sandbox, &data).await;
    if latency_ms > 0 {
        // The delay comes after the rotation: the time in which a kill costs a consent.
        let slow = format!("slow:ms={latency_ms},only=token");
        sandbox.set_faults(vec![slow.parse().unwrap()]);
    }
    World {
        sandbox,
        vault,
        data,
        grants,
    }
}

impl World {
    fn want(&self, rounds: usize) -> Command {
        let mut command = Command::new(program());
        self.arguments(&mut command, rounds);
        command
    }

    fn arguments(&self, command: &mut Command, rounds: usize) {
        command
            .arg("want")
            .arg(self.data.path())
            .args([self.sandbox.url(), self.sandbox.client_id()])
            .arg(rounds.to_string())
            .env("TEST_CLIENT_SECRET", self.sandbox.client_secret().expose())
            .env("TEST_VAULT_KEY", VAULT_KEY)
            .stdout(Stdio::piped())
            .kill_on_drop(true);
    }

    /// One undisturbed round gets a token of every grant, and no token was ever used twice.
    async fn assert_nothing_lost(&self) {
        self.sandbox.set_faults(Vec::new());
        let output = self.want(1).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let renewed = text.lines().filter(|line| line.starts_with("ok ")).count();
        assert_eq!(renewed, self.grants, "{text}");
        for grant in self.vault.grants().unwrap() {
            assert_eq!(grant.state, GrantState::Active, "{:?}", grant.reason);
        }
        assert!(self.vault.open_refreshes().unwrap().is_empty());
        assert_eq!(self.sandbox.account().refresh_tokens_reused(), 0);
    }

    /// Every generation the vault has counted is one refresh at the server.
    fn assert_every_refresh_was_kept(&self) {
        let counted: u64 = self
            .vault
            .grants()
            .unwrap()
            .iter()
            // The consent itself makes generation 2 of the empty row's 1.
            .map(|grant| grant.generation - 2)
            .sum();
        let refreshes = self.sandbox.account().refreshes();
        assert!(refreshes > 0, "nothing was tried");
        assert_eq!(counted, refreshes);
        println!("{refreshes} refreshes of {} grants, all kept", self.grants);
    }
}

/// A small seeded generator: the instants of the kills are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

async fn broker_pid(child: &mut Child) -> u32 {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap_or_default();
    // What is not read any more must not block the one who writes it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    line.strip_prefix("broker ").unwrap().parse().unwrap()
}

fn send_signal(pid: u32, signal: &str) {
    let pid = pid.to_string();
    let _ = std::process::Command::new("kill")
        .args([signal, &pid])
        .status();
}

#[tokio::test]
async fn ten_processes_wanting_the_same_grants_use_every_refresh_token_once() {
    let world = world(20).await;
    let mut processes: Vec<Child> = (0..10).map(|_| world.want(1).spawn().unwrap()).collect();
    for process in &mut processes {
        let mut output = String::new();
        let mut stdout = process.stdout.take().unwrap();
        stdout.read_to_string(&mut output).await.unwrap();
        assert!(process.wait().await.unwrap().success(), "{output}");
    }
    world.assert_nothing_lost().await;
    world.assert_every_refresh_was_kept();
}

#[tokio::test]
async fn a_killed_process_costs_no_consent_and_no_refresh_is_lost() {
    let world = world(300).await;
    let mut seeded = Seeded(11);
    for _ in 0..number("CLAIMLAKE_KILLS", 4) {
        let mut process = world.want(100).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(50 + seeded.below(900))).await;
        process.kill().await.unwrap();
    }
    broker_has_ended(&world.data).await;
    world.assert_every_refresh_was_kept();
    world.assert_nothing_lost().await;
}

#[tokio::test]
async fn stopping_everything_by_sigterm_costs_no_consent() {
    let world = world(300).await;
    let mut seeded = Seeded(12);
    for _ in 0..number("CLAIMLAKE_KILLS", 10).div_ceil(5) {
        let mut process = world.want(100).spawn().unwrap();
        let broker = broker_pid(&mut process).await;
        tokio::time::sleep(Duration::from_millis(50 + seeded.below(600))).await;
        send_signal(broker, "-TERM");
        send_signal(process.id().unwrap(), "-TERM");
        process.wait().await.unwrap();
        broker_has_ended(&world.data).await;
    }
    world.assert_every_refresh_was_kept();
    world.assert_nothing_lost().await;
}

#[tokio::test]
async fn a_worker_killed_or_stopped_in_a_container_costs_no_consent() {
    if !containers_can_be_made().await {
        return;
    }
    let world = world(300).await;
    let mut seeded = Seeded(13);
    for round in 0..number("CLAIMLAKE_KILLS", 4) {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork"]).arg(program());
        world.arguments(&mut command, 100);
        let mut container = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(300 + seeded.below(900))).await;
        // unshare is the parent of PID 1, and that of the worker and of orphaned brokers.
        let init = children(container.id().unwrap());
        if round % 2 == 0 {
            let workers = init.iter().flat_map(|init| children(*init));
            for worker in workers.filter(|pid| command_line(*pid).contains("want")) {
                send_signal(worker, "-KILL");
            }
        } else {
            // As `docker stop` does: PID 1 hands it on.
            init.iter().for_each(|init| send_signal(*init, "-TERM"));
        }
        // PID 1 ends by itself, once the broker has.
        container.wait().await.unwrap();
    }
    world.assert_every_refresh_was_kept();
    world.assert_nothing_lost().await;
}

#[tokio::test]
async fn fewer_are_refreshed_at_once_where_a_container_can_be_killed_with_them() {
    if !containers_can_be_made().await {
        return;
    }
    let world = world_of(40, 300).await;
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork"]).arg(program());
    world.arguments(&mut command, 1);
    assert!(command.output().await.unwrap().status.success());
    let account = world.sandbox.account();
    assert_eq!(account.refreshes(), 40);
    assert!((9..=16).contains(&account.most_in_flight), "{account:?}");
}

async fn containers_can_be_made() -> bool {
    let available = Command::new("unshare")
        .args(["--pid", "--fork", "true"])
        .output()
        .await
        .is_ok_and(|output| output.status.success());
    if !available {
        println!("SKIPPED: no PID namespace can be made here (unshare --pid)");
    }
    available
}

#[tokio::test]
async fn a_data_directory_too_deep_for_a_socket_has_a_broker_all_the_same() {
    let sandbox = world::sandbox(1).await;
    let outer = tempfile::tempdir().unwrap();
    let deep = outer.path().join("d".repeat(90)).join("e".repeat(90));
    std::fs::create_dir_all(&deep).unwrap();
    let data = tempfile::TempDir::new_in(&deep).unwrap();
    let vault = world::consented(&sandbox, &data).await;
    let client = world::broker(&sandbox, &vault).await;
    let grant = vault.grants().unwrap().remove(0);
    client.access_token(&grant.handle).await.unwrap();
}

#[tokio::test]
async fn a_killed_broker_is_replaced_in_the_middle_of_a_run() {
    let world = world(0).await;
    let mut process = world.want(30).spawn().unwrap();
    let broker = broker_pid(&mut process).await;
    send_signal(broker, "-KILL");
    process.wait().await.unwrap();
    // A kill of the broker itself may cost what was in flight, and nothing else: those grants are
    // named, the others go on.
    let account = world.sandbox.account();
    let grants = world.vault.grants().unwrap();
    let ended = grants
        .iter()
        .filter(|grant| grant.state == GrantState::NeedsConsent)
        .count();
    assert!(ended <= 32, "more than were in flight");
    assert!(account.refresh_tokens_reused() as usize <= 32);
    assert_eq!(grants.len(), world.grants);
}

fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

fn command_line(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}
