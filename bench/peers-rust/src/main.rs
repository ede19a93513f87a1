//! Runs peers written in Rust, for bench/run-peers.mjs. Every command prints one line of JSON.
//!
//!     peers-rust LOG append DIR WRITERS BYTES WARM_MS MS    records and elapsedNs of MS milliseconds, after WARM_MS that are not counted
//!     peers-rust LOG fill DIR RECORDS BYTES                 writes a log to be read
//!     peers-rust LOG open DIR                               ns until it can be appended to
//!     peers-rust LOG replay DIR RECORDS BYTES               ns to open and read everything
//!     peers-rust nomt DIR                                   a trie that does what lines of standard input say: see trie.rs
//!
//! LOG is okaywal, which can only append here, or raft-engine. Both gather what concurrent threads append into one sync by themselves.

mod logs;
mod payloads;
mod trie;

use std::process::ExitCode;
use std::time::Duration;

pub type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<(), Failure> {
    match args {
        ["nomt", directory] => return trie::serve(directory),
        [log, "append", directory, writers, bytes, warm_ms, ms] => {
            let log = logs::open(log, directory)?;
            let (writers, bytes) = (writers.parse()?, bytes.parse()?);
            logs::append_for(&*log, writers, bytes, Duration::from_millis(warm_ms.parse()?))?;
            let (records, elapsed) = logs::append_for(&*log, writers, bytes, Duration::from_millis(ms.parse()?))?;
            println!("{{\"records\":{records},\"elapsedNs\":{}}}", elapsed.as_nanos());
        }
        ["raft-engine", "fill", directory, records, bytes] => {
            logs::RaftEngine::open(directory)?.fill(records.parse()?, bytes.parse()?)?;
            println!("{{}}");
        }
        ["raft-engine", "open", directory] => {
            println!("{{\"ns\":{}}}", logs::time_open(directory)?.as_nanos());
        }
        ["raft-engine", "replay", directory, records, bytes] => {
            let (records, bytes) = (records.parse()?, bytes.parse()?);
            println!(
                "{{\"ns\":{}}}",
                logs::time_replay(directory, records, bytes)?.as_nanos()
            );
        }
        _ => {
            return Err("usage: peers-rust okaywal|raft-engine append|fill|open|replay DIR NUMBERS… | nomt DIR".into())
        }
    }
    Ok(())
}
