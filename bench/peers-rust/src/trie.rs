//! NOMT's store, which does what lines of standard input say and answers each with one line of JSON, as `bench/against/state-server.mjs` does:
//!
//!     fill FROM TO                  stores the keys of these numbers: {"ms":[of each commit]}
//!     update BELOW PUTS MS LEAST    commits of PUTS known keys, for MS milliseconds and at least LEAST of them: {"ms":[…]}
//!     prove BELOW COUNT             proofs of known keys, one after another: {"ms":[of each]}
//!
//! It is as it comes, but for the size of its table, which is made once, and for no preallocation of it.

use crate::payloads::{key, Random};
use crate::Failure;
use nomt::hasher::Blake3Hasher;
use nomt::{KeyReadWrite, Nomt, Options, SessionParams};
use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

const FILL_PUTS: u64 = 10_000;
/// Room for ten million keys.
const BUCKETS: u32 = 2_000_000;

pub fn serve(directory: &str) -> Result<(), Failure> {
    if !matches!(nomt::check_iou_permissions(), nomt::IoUringPermission::Allowed) {
        return Err("NOMT needs io_uring, which this kernel does not allow".into());
    }
    let mut options = Options::new();
    options.path(directory);
    options.hashtable_buckets(BUCKETS);
    options.preallocate_ht(false);
    let store = Nomt::<Blake3Hasher>::open(options)?;
    let mut random = Random(7);
    answer("{}".into())?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let numbers = words[1..]
            .iter()
            .map(|word| word.parse())
            .collect::<Result<Vec<u64>, _>>()?;
        let ms = match (words[0], &numbers[..]) {
            ("fill", [from, to]) => fill(&store, &mut random, *from, *to)?,
            ("update", [below, puts, ms, least]) => update(&store, &mut random, *below, *puts, *ms, *least)?,
            ("prove", [below, count]) => prove(&store, &mut random, *below, *count)?,
            ("close", []) => break,
            _ => return Err(format!("what is {line}?").into()),
        };
        let list: Vec<String> = ms
            .iter()
            .map(|one| format!("{:.6}", one.as_secs_f64() * 1000.0))
            .collect();
        answer(format!("{{\"ms\":[{}]}}", list.join(",")))?;
    }
    Ok(())
}

fn answer(line: String) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()
}

type Store = Nomt<Blake3Hasher>;

fn fill(store: &Store, random: &mut Random, from: u64, to: u64) -> Result<Vec<Duration>, Failure> {
    (from..to)
        .step_by(FILL_PUTS as usize)
        .map(|at| commit(store, random, (at..to.min(at + FILL_PUTS)).map(key).collect()))
        .collect()
}

fn update(
    store: &Store,
    random: &mut Random,
    below: u64,
    puts: u64,
    ms: u64,
    least: u64,
) -> Result<Vec<Duration>, Failure> {
    let start = Instant::now();
    let mut taken = Vec::new();
    while (taken.len() as u64) < least || start.elapsed() < Duration::from_millis(ms) {
        let chosen = choose(random, below, puts);
        taken.push(commit(store, random, chosen)?);
    }
    Ok(taken)
}

fn prove(store: &Store, random: &mut Random, below: u64, count: u64) -> Result<Vec<Duration>, Failure> {
    let chosen = choose(random, below, count);
    let session = store.begin_session(SessionParams::default());
    chosen
        .into_iter()
        .map(|key| {
            let start = Instant::now();
            session.prove(key)?;
            Ok(start.elapsed())
        })
        .collect()
}

fn choose(random: &mut Random, below: u64, count: u64) -> Vec<[u8; 32]> {
    let mut chosen = BTreeSet::new();
    while (chosen.len() as u64) < count.min(below) {
        chosen.insert(random.next() % below);
    }
    chosen.into_iter().map(key).collect()
}

/// Durable when it returns.
fn commit(store: &Store, random: &mut Random, mut keys: Vec<[u8; 32]>) -> Result<Duration, Failure> {
    let values: Vec<Vec<u8>> = keys.iter().map(|_| random.bytes().to_vec()).collect();
    let start = Instant::now();
    keys.sort_unstable();
    let session = store.begin_session(SessionParams::default());
    keys.iter().for_each(|key| session.warm_up(*key));
    let writes = keys
        .into_iter()
        .zip(values)
        .map(|(key, value)| (key, KeyReadWrite::Write(Some(value))))
        .collect();
    session.finish(writes)?.commit(store)?;
    Ok(start.elapsed())
}
