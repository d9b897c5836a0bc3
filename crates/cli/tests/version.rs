//! Makes cargo build the binary whenever the tests are built; whole runs live in the tests crate.

use std::process::Command;

#[test]
fn the_binary_tells_its_version() {
    let output = Command::new(env!("CARGO_BIN_EXE_claimlake"))
        .arg("--version")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        concat!("claimlake ", env!("CARGO_PKG_VERSION"))
    );
}
