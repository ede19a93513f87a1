//! Logs, appended to by concurrent threads.

use crate::payloads::payloads;
use crate::Failure;
use okaywal::{Entry, EntryId, LogManager, SegmentReader, WriteAheadLog};
use protobuf::descriptor::UninterpretedOption;
use raft_engine::{Config, Engine, LogBatch, MessageExt};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One call makes one record durable.
pub trait Log: Sync {
    fn append(&self, record: &[u8]) -> Result<(), Failure>;
}

pub fn open(name: &str, directory: &str) -> Result<Box<dyn Log>, Failure> {
    match name {
        "okaywal" => Ok(Box::new(WriteAheadLog::recover(directory, Recycling)?)),
        "raft-engine" => Ok(Box::new(RaftEngine::open(directory)?)),
        other => Err(format!("no log is named {other}").into()),
    }
}

/// Appends with one thread for each writer. Gives the records and the time they took.
pub fn append_for(log: &dyn Log, writers: usize, bytes: usize, duration: Duration) -> Result<(u64, Duration), Failure> {
    let stopped = AtomicBool::new(false);
    let records = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = payloads(writers, bytes)
            .into_iter()
            .map(|payload| {
                let (stopped, records) = (&stopped, &records);
                scope.spawn(move || -> Result<(), String> {
                    while !stopped.load(Ordering::Relaxed) {
                        if let Err(failure) = log.append(&payload) {
                            stopped.store(true, Ordering::Relaxed);
                            return Err(failure.to_string());
                        }
                        records.fetch_add(1, Ordering::Relaxed);
                        if start.elapsed() >= duration {
                            stopped.store(true, Ordering::Relaxed);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("no writer panics"))
    })?;
    Ok((records.into_inner(), start.elapsed()))
}

/// okaywal as it comes: segments of 1 MB, given back once they are nearly full. What is given back is not looked at.
#[derive(Debug)]
struct Recycling;

impl LogManager for Recycling {
    fn recover(&mut self, _: &mut Entry<'_>) -> std::io::Result<()> {
        Ok(())
    }

    fn checkpoint_to(&mut self, _: EntryId, _: &mut SegmentReader, _: &WriteAheadLog) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log for WriteAheadLog {
    fn append(&self, record: &[u8]) -> Result<(), Failure> {
        let mut entry = self.begin_entry()?;
        entry.write_chunk(record)?;
        entry.commit()?;
        Ok(())
    }
}

/// raft-engine as it comes, which compresses what is larger than 8 KB. Each writer is a Raft group, because entries of a group ascend.
pub struct RaftEngine {
    engine: Engine,
}

thread_local! {
    static OWN: std::cell::Cell<(u64, u64)> = const { std::cell::Cell::new((0, 0)) };
}
static GROUPS: AtomicU64 = AtomicU64::new(1);
const ONLY_GROUP: u64 = 1;
const FILL_BYTES: usize = 1 << 20;

/// An entry has to be a protobuf message. This one comes with the protobuf crate, and has a number and bytes as Raft's own has.
#[derive(Clone)]
struct Numbered;

impl MessageExt for Numbered {
    type Entry = UninterpretedOption;

    fn index(entry: &UninterpretedOption) -> u64 {
        entry.get_positive_int_value()
    }
}

fn entry_of(index: u64, record: &[u8]) -> UninterpretedOption {
    let mut entry = UninterpretedOption::new();
    entry.set_positive_int_value(index);
    entry.set_string_value(record.to_vec());
    entry
}

impl RaftEngine {
    pub fn open(directory: &str) -> Result<Self, Failure> {
        let config = Config {
            dir: directory.to_owned(),
            ..Default::default()
        };
        Ok(RaftEngine {
            engine: Engine::open(config)?,
        })
    }

    pub fn fill(&self, records: usize, bytes: usize) -> Result<(), Failure> {
        let step = (FILL_BYTES / bytes).clamp(1, 1000);
        let mut next = 1;
        while next <= records {
            let count = step.min(records + 1 - next);
            let entries: Vec<_> = payloads(count, bytes)
                .iter()
                .enumerate()
                .map(|(at, record)| entry_of((next + at) as u64, record))
                .collect();
            let mut batch = LogBatch::default();
            batch.add_entries::<Numbered>(ONLY_GROUP, &entries)?;
            self.engine.write(&mut batch, false)?;
            next += count;
        }
        self.engine.sync()?;
        Ok(())
    }

    fn replay(&self, mut each: impl FnMut(&[u8])) -> Result<(), Failure> {
        const STEP: u64 = 256;
        let (Some(mut next), Some(last)) = (self.engine.first_index(ONLY_GROUP), self.engine.last_index(ONLY_GROUP))
        else {
            return Ok(());
        };
        let mut entries = Vec::new();
        while next <= last {
            entries.clear();
            let end = (next + STEP).min(last + 1);
            self.engine
                .fetch_entries_to::<Numbered>(ONLY_GROUP, next, end, None, &mut entries)?;
            entries.iter().for_each(|entry| each(entry.get_string_value()));
            next = end;
        }
        Ok(())
    }
}

impl Log for RaftEngine {
    fn append(&self, record: &[u8]) -> Result<(), Failure> {
        let (group, index) = match OWN.get() {
            (0, _) => (GROUPS.fetch_add(1, Ordering::Relaxed), 1),
            (group, last) => (group, last + 1),
        };
        OWN.set((group, index));
        let mut batch = LogBatch::with_capacity(1);
        batch.add_entries::<Numbered>(group, &[entry_of(index, record)])?;
        self.engine.write(&mut batch, true)?;
        Ok(())
    }
}

pub fn time_open(directory: &str) -> Result<Duration, Failure> {
    let start = Instant::now();
    let _log = RaftEngine::open(directory)?;
    Ok(start.elapsed())
}

pub fn time_replay(directory: &str, records: usize, bytes: usize) -> Result<Duration, Failure> {
    let (mut seen, mut seen_bytes, mut sum) = (0, 0, 0_u64);
    let start = Instant::now();
    let log = RaftEngine::open(directory)?;
    log.replay(|record| {
        seen += 1;
        seen_bytes += record.len();
        sum += u64::from(record[0]);
    })?;
    let took = start.elapsed();
    if seen != records || seen_bytes != records * bytes || sum == 0 {
        return Err(format!("the replay gave {seen} records and {seen_bytes} bytes, not {records}").into());
    }
    Ok(took)
}
