//! Bytes that do not compress, and keys that follow from their numbers.

pub fn payloads(count: usize, bytes: usize) -> Vec<Vec<u8>> {
    let mut random = 0x2545_f491_u32;
    (0..count)
        .map(|_| {
            (0..bytes)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 17;
                    random ^= random << 5;
                    random as u8
                })
                .collect()
        })
        .collect()
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn bytes(&mut self) -> [u8; 32] {
        let mut all = [0; 32];
        for word in all.chunks_exact_mut(8) {
            word.copy_from_slice(&self.next().to_le_bytes());
        }
        all
    }
}

/// The key of a number: uniform over all keys.
pub fn key(number: u64) -> [u8; 32] {
    Random(number.wrapping_mul(0xd134_2543_de82_ef95)).bytes()
}
