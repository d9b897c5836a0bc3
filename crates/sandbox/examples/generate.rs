//! Generates as fast as it can and says how fast: `generate BYTES [v2|v3] [SEED] > FILE`.

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::time::Instant;

use claimlake_contract::ApiVersion;
use claimlake_sandbox::{GenerateConfig, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let bytes = arguments.next().ok_or("how many bytes?")?.parse()?;
    let version = match arguments.next().as_deref() {
        Some("v3") => ApiVersion::V3,
        _ => ApiVersion::V2,
    };
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let config = GenerateConfig {
        seed,
        bytes: Some(bytes),
        versions: vec![version],
        eobs_mean: 150,
        ..GenerateConfig::default()
    };
    let begin = Instant::now();
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let generated = generate(&config, &mut out)?;
    let seconds = begin.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(generated.bytes / 1_000)?) / 1_000.0 / seconds;
    writeln!(
        io::stderr(),
        "{} people, {} resources, {} bytes in {seconds:.2} s: {rate:.0} MB/s",
        generated.patients,
        generated.resources,
        generated.bytes
    )?;
    Ok(())
}
