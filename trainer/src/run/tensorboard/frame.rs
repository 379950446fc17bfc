//! The framing of messages in event files, that of TFRecord.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | length of the message, little-endian |
//! | 4 | masked CRC-32C of the length |
//! | length | the message |
//! | 4 | masked CRC-32C of the message |
//!
//! Source: `tensorflow/core/lib/io/record_writer.h` of TensorFlow, and `crc32c.h` there for the mask.

/// Rotation of a masked checksum to the right, in bits.
const MASK_ROTATION: u32 = 15;
/// Number that is added to a rotated checksum.
const MASK_DELTA: u32 = 0xa282_ead8;

/// Returns the masked checksum of bytes. Checksums are masked, because those of data that hold checksums are weak.
fn masked_checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(MASK_ROTATION).wrapping_add(MASK_DELTA).to_le_bytes()
}

/// Returns a message in its frame.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &masked_checksum(&length), message, &masked_checksum(message)].concat()
}

/// Returns the messages of a file without its incomplete end; `None` for a wrong checksum.
#[cfg(test)]
pub(super) fn messages(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<8>() {
        let Some((checksum, rest)) = rest.split_first_chunk::<4>() else { break };
        if *checksum != masked_checksum(length) {
            return None;
        }
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let Some((message, rest)) = rest.split_at_checked(length) else { break };
        let Some((checksum, rest)) = rest.split_first_chunk::<4>() else { break };
        if *checksum != masked_checksum(message) {
            return None;
        }
        messages.push(message);
        bytes = rest;
    }
    Some(messages)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn checksums_are_those_of_the_format() {
        // RFC 3720, B.4: the CRC-32C of 32 bytes of zero is 0x8a9136aa.
        let masked = 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_checksum(&[0; 32]), masked.to_le_bytes());
        // The first frame of a file of TensorBoard's own, whose message is 24 bytes long.
        assert_eq!(framed(&[0; 24])[..12], [24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
    }

    proptest! {
        #[test]
        fn messages_come_back_and_damage_is_seen(
            written in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..5),
            place in any::<prop::sample::Index>(),
            bit in 0..8_u32,
        ) {
            let file: Vec<u8> = written.iter().flat_map(|message| framed(message)).collect();
            prop_assert_eq!(messages(&file), Some(written.iter().map(Vec::as_slice).collect()));
            let cut = &file[..place.index(file.len())];
            prop_assert!(messages(cut).expect("the rest is whole").len() < written.len());
            let mut damaged = file.clone();
            damaged[place.index(file.len())] ^= 1 << bit;
            prop_assert_eq!(messages(&damaged), None);
        }
    }
}
