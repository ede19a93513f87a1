//! The tries: named cases, each a list of batches from an empty trie on.

use crate::generator::Generator;
use std::collections::{BTreeMap, BTreeSet};

pub type Key = [u8; 32];
/// Keys ascend and are unique; `None` deletes.
pub type Batch = Vec<(Key, Option<Vec<u8>>)>;

pub struct Case {
    pub name: String,
    pub batches: Vec<CaseBatch>,
}

pub struct CaseBatch {
    pub ops: Batch,
    /// To be proven in the trie after the batch.
    pub proven: BTreeSet<Key>,
    /// Whether the batch itself is to be proven.
    pub update: bool,
}

/// Where the first difference of two keys lies, in pages and in bytes.
const BITS: [usize; 8] = [0, 1, 7, 8, 15, 16, 127, 255];

pub fn all(seed: u64) -> Vec<Case> {
    let mut cases = vec![edge(), half_for_half(), values()];
    cases.extend(BITS.map(pair));
    cases.push(mixed("uniform", seed, |random| random.key()));
    cases.push(mixed("skewed", seed + 1, skewed));
    cases.push(fill_and_empty(seed + 2));
    cases
}

fn flipped(mut key: Key, bit: usize) -> Key {
    key[bit / 8] ^= 0x80 >> (bit % 8);
    key
}

fn puts(keys: &[Key], value: &[u8]) -> Batch {
    sorted(keys.iter().map(|key| (*key, Some(value.to_vec()))))
}

fn deletes(keys: &[Key]) -> Batch {
    sorted(keys.iter().map(|key| (*key, None)))
}

fn sorted(ops: impl IntoIterator<Item = (Key, Option<Vec<u8>>)>) -> Batch {
    ops.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

fn case(name: &str, batches: Vec<Batch>, proven: &[Key]) -> Case {
    Case {
        name: name.to_string(),
        batches: batches
            .into_iter()
            .map(|ops| CaseBatch {
                ops,
                proven: proven.iter().copied().collect(),
                update: true,
            })
            .collect(),
    }
}

/// Two keys that differ first at a bit, each alone, both, and a third that parts from them in the middle.
fn pair(bit: usize) -> Case {
    let key = [0x5a; 32];
    let other = flipped(key, bit);
    let third = flipped(key, bit / 2 + 3);
    case(
        &format!("pair-{bit}"),
        vec![
            puts(&[key, other], b"both"),
            deletes(&[key]),
            puts(&[key], b"back"),
            sorted([(third, Some(b"third".to_vec())), (other, None)]),
            deletes(&[key, third]),
        ],
        &[key, other, third],
    )
}

/// Keys at the ends of the key space, one by one, and away again in another order.
fn edge() -> Case {
    let mut low = [0; 32];
    low[31] = 1;
    let mut high = [0xff; 32];
    high[31] = 0xfe;
    let mut middle = [0xff; 32];
    middle[0] = 0x7f;
    let mut right = [0; 32];
    right[0] = 0x80;
    let keys = [[0; 32], [0xff; 32], low, high, middle, right, [0xaa; 32], [0x55; 32]];
    let mut batches: Vec<Batch> = keys.iter().map(|key| puts(&[*key], &key[..4])).collect();
    batches.extend([3, 0, 6, 1, 4, 7, 2].map(|at: usize| deletes(&[keys[at]])));
    // Deletions of keys that are not there beside one that is: alone, in an empty store, they make nomt 1.0.5 panic (leaf_stage.rs).
    batches.push(deletes(&keys));
    let mut case = case("edge", batches, &[]);
    case.batches[7].proven.extend(keys);
    case.batches[11].proven.extend(keys);
    case.batches[14].proven.extend([keys[0], keys[5]]);
    case.batches[15].proven.insert(keys[0]);
    case
}

/// One half of a page is emptied and the other half, empty until then, is filled by the same batch.
fn half_for_half() -> Case {
    let key = |first: u8, last: u8| {
        let mut key = [0; 32];
        key[0] = first;
        key[31] = last;
        key
    };
    let left = [key(0x00, 0), key(0x00, 1)];
    let right = [key(0x10, 0), key(0x11, 0)];
    let swap = |away: &[Key], here: &[Key]| sorted(deletes(away).into_iter().chain(puts(here, b"here")));
    case(
        "half-for-half",
        vec![puts(&left, b"here"), swap(&left, &right), swap(&right, &left)],
        &[left[0], right[1]],
    )
}

/// Values of every kind that a store may treat in a way of its own.
fn values() -> Case {
    let mut random = Generator::new(0);
    let lengths = [0, 1, 31, 32, 33, 64, 1332, 1333, 3000];
    let keys: Vec<Key> = lengths.iter().map(|_| random.key()).collect();
    let first = sorted(
        keys.iter()
            .zip(lengths)
            .map(|(key, length)| (*key, Some(vec![0x76; length]))),
    );
    let same = first.clone();
    case(
        "values",
        vec![first, same, puts(&keys, b""), deletes(&keys[1..])],
        &keys[..2],
    )
}

/// Most keys share a prefix with another, of a length that is anything from one bit to all but the last.
fn skewed(random: &mut Generator) -> Key {
    let cluster = [[0x33; 32], [0x00; 32], [0xc5; 32]][random.below(3)];
    let shared = [3, 6, 11, 12, 17, 24, 60, 130, 200, 246][random.below(10)] + random.below(4);
    let key = random.key();
    let mut joined = cluster;
    for bit in shared..256 {
        let mask = 0x80 >> (bit % 8);
        joined[bit / 8] = joined[bit / 8] & !mask | key[bit / 8] & mask;
    }
    joined
}

/// Batches of puts, updates and deletions at random, growing first and then shrinking.
fn mixed(name: &str, seed: u64, draw: fn(&mut Generator) -> Key) -> Case {
    let mut random = Generator::new(seed);
    let mut live: Vec<Key> = Vec::new();
    let mut gone: Vec<Key> = Vec::new();
    let mut batches = Vec::new();
    for round in 0..12usize {
        let mut ops = BTreeMap::new();
        let puts = if round == 0 {
            120
        } else if round < 6 {
            40
        } else {
            5
        };
        for _ in 0..puts {
            ops.insert(draw(&mut random), Some(value(&mut random)));
        }
        for _ in 0..if live.is_empty() { 0 } else { 10 } {
            ops.insert(live[random.below(live.len())], Some(value(&mut random)));
        }
        for _ in 0..if live.is_empty() {
            0
        } else if round < 6 {
            6
        } else {
            45
        } {
            ops.insert(live[random.below(live.len())], None);
        }
        // Of a key that is not there, or no longer.
        ops.insert(draw(&mut random), None);
        if let Some(key) = gone.last() {
            ops.insert(*key, if round % 2 == 0 { None } else { Some(b"again".to_vec()) });
        }
        for (key, value) in &ops {
            live.retain(|other| other != key);
            gone.retain(|other| other != key);
            if value.is_some() {
                live.push(*key)
            } else {
                gone.push(*key)
            }
        }
        let mut proven = BTreeSet::new();
        if round == 4 || round == 11 {
            for _ in 0..6 {
                let key = live[random.below(live.len())];
                // Itself, and a neighbour that is looked up in its leaf or beside it.
                proven.insert(key);
                proven.insert(flipped(key, 255));
                proven.insert(flipped(key, 4 + random.below(60)));
                proven.insert(draw(&mut random));
            }
            proven.insert(gone[0]);
        }
        batches.push(CaseBatch {
            ops: ops.into_iter().collect(),
            proven,
            update: round == 10 || round == 3 && name == "uniform",
        });
    }
    Case {
        name: name.to_string(),
        batches,
    }
}

fn value(random: &mut Generator) -> Vec<u8> {
    let length = random.below(9);
    random.key()[..length].to_vec()
}

/// Enough keys under one prefix of 50 bits to be stored in pages of their own, then all but one away, then none.
fn fill_and_empty(seed: u64) -> Case {
    let mut random = Generator::new(seed);
    let keys: Vec<Key> = (0..64)
        .map(|_| {
            let mut key = random.key();
            key[..6].fill(0x9d);
            key[6] = key[6] & 0x3f | 0x40;
            key
        })
        .collect();
    let mut case = case(
        "fill-and-empty",
        vec![
            puts(&keys, b"1"),
            deletes(&keys[..50]),
            puts(&keys[40..60], b"2"),
            deletes(&keys[..63]),
            deletes(&keys),
        ],
        &keys[..1],
    );
    for batch in &mut case.batches[..2] {
        batch.proven.extend(&keys[48..52]);
    }
    case.batches[4].update = false;
    case
}

/// Batch `number` of those that are described in the file, not written out. Key `k` is drawn from a generator seeded with `k`; its
/// value is `k` as eight bytes, little endian, and after an update `k` plus a million.
pub fn bulk(number: u64, keys: u64) -> Batch {
    let key = |k: u64| Generator::new(k).key();
    let value = |v: u64| Some(v.to_le_bytes().to_vec());
    let mut ops = Vec::new();
    if number > 0 {
        for k in (number - 1) * keys..number * keys {
            match k % 3 {
                0 => ops.push((key(k), value(k + 1_000_000))),
                1 => ops.push((key(k), None)),
                _ => {}
            }
        }
    }
    for k in number * keys..(number + 1) * keys {
        ops.push((key(k), value(k)));
    }
    sorted(ops)
}
