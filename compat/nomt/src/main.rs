//! Makes test data with the NOMT crates, and has them verify what others made.
//!
//!     holdfast-compat-nomt vectors <out.json> [seed]   tries, their roots, proofs and proven updates; exit code 3 without io_uring
//!     holdfast-compat-nomt verify <proofs.json>        exit code 1 where a proof is refused, or a damaged one is not
//!
//! `wire.rs` describes the files, `cases.rs` the tries, and both programs of a pair use nothing else of each other.

mod cases;
mod generator;
mod tamper;
mod vectors;
mod verify;
mod wire;

use nomt_core::hasher::{BinaryHasher, Blake3Hasher, Sha2Hasher};
use std::process::ExitCode;

/// What S0, the Go port, hashes with; NOMT takes any digest of 32 bytes.
pub type KeccakHasher = BinaryHasher<sha3::Keccak256>;

/// Calls a generic function with the hasher of a name.
#[macro_export]
macro_rules! with_hasher {
    ($name:expr, $function:ident($($argument:expr),*)) => {
        match $name {
            "blake3" => $function::<$crate::Blake3>($($argument),*),
            "sha256" => $function::<$crate::Sha256>($($argument),*),
            "keccak256" => $function::<$crate::KeccakHasher>($($argument),*),
            other => panic!("no hasher is named {other}"),
        }
    };
}
pub type Blake3 = Blake3Hasher;
pub type Sha256 = Sha2Hasher;

pub const HASHERS: [&str; 3] = ["blake3", "sha256", "keccak256"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    // Elsewhere the store does without.
    let io_uring = matches!(nomt::check_iou_permissions(), nomt::IoUringPermission::Allowed);
    if args.first() == Some(&"vectors") && cfg!(target_os = "linux") && !io_uring {
        eprintln!("the store of NOMT needs io_uring, which this kernel does not allow");
        return ExitCode::from(3);
    }
    match args[..] {
        ["vectors", out] => vectors::write(out, 1),
        ["vectors", out, seed] => vectors::write(out, seed.parse().expect("a seed is a number")),
        ["verify", file] => return verify::run(file),
        _ => {
            eprintln!("usage: vectors OUT.json [SEED] | verify PROOFS.json");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
