//! Eight septets in seven octets (3GPP TS 23.038 section 6.1.2).

/// What fills seven spare bits at the end, when the number of septets is one short of a multiple of eight.
///
/// Where only octets are counted, as in SMPP, seven zero bits read back as one more septet, `@`. 23.038 pads
/// USSD with a carriage return instead, which the receiver drops.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Padding {
    /// Zero bits.
    #[default]
    Zero,
    /// A carriage return; one more is added where the text itself ends with one on an octet boundary.
    CarriageReturn,
}

const CARRIAGE_RETURN: u8 = 0x0D;

/// Fill bits between a user data header of `header` octets (with its length octet) and the first septet.
#[must_use]
pub const fn fill_bits(header: usize) -> usize {
    (7 - (header * 8) % 7) % 7
}

/// Octets that `septets` septets behind `fill` bits take; no septets take none.
#[must_use]
pub const fn packed_octets(septets: usize, fill: usize) -> usize {
    if septets == 0 {
        0
    } else {
        (septets * 7 + fill).div_ceil(8)
    }
}

/// Septets that `octets` octets hold behind `fill` bits, spare bits counted as one where there are seven.
#[must_use]
pub const fn packed_septets(octets: usize, fill: usize) -> usize {
    (octets * 8).saturating_sub(fill) / 7
}

/// Packs septets (the low seven bits of each octet) behind `fill` zero bits.
#[must_use]
pub fn pack(septets: &[u8], fill: usize, padding: Padding) -> Vec<u8> {
    let mut out = Vec::with_capacity(packed_octets(septets.len(), fill) + 1);
    pack_into(septets, fill, padding, &mut out);
    out
}

/// As [`pack`], appending to `out`.
pub fn pack_into(septets: &[u8], fill: usize, padding: Padding, out: &mut Vec<u8>) {
    if septets.is_empty() {
        return;
    }
    out.resize(out.len() + fill / 8, 0);
    let (mut bits, mut held) = (0_u64, fill % 8);
    let (eights, rest) = septets.as_chunks::<8>();
    for eight in eights {
        // 56 bits, behind at most seven that are held.
        bits |= gather(u64::from_le_bytes(*eight)) << held;
        let [octets @ .., kept] = bits.to_le_bytes();
        out.extend_from_slice(&octets);
        bits = u64::from(kept);
    }
    for septet in rest {
        bits |= u64::from(septet & 0x7F) << held;
        held += 7;
    }
    let octets = bits.to_le_bytes();
    out.extend_from_slice(octets.get(..held / 8).unwrap_or_default());
    let last = octets.get(held / 8).copied().unwrap_or_default();
    let ends_with_return = septets
        .last()
        .is_some_and(|septet| septet & 0x7F == CARRIAGE_RETURN);
    match (held % 8, padding) {
        // Seven bits are spare.
        (1, Padding::CarriageReturn) => out.push(last | CARRIAGE_RETURN << 1),
        // The last septet ends on the octet boundary and would be taken for padding.
        (0, Padding::CarriageReturn) if ends_with_return => out.push(CARRIAGE_RETURN),
        (0, _) => {}
        _ => out.push(last),
    }
}

/// Eight septets, one in each octet, side by side: pairs first, then fours, then all.
const fn gather(x: u64) -> u64 {
    let x = x & 0x007F_007F_007F_007F | (x & 0x7F00_7F00_7F00_7F00) >> 1;
    let x = x & 0x0000_3FFF_0000_3FFF | (x & 0x3FFF_0000_3FFF_0000) >> 2;
    x & 0x0FFF_FFFF | (x & 0x0FFF_FFFF_0000_0000) >> 4
}

/// The way back.
const fn scatter(x: u64) -> u64 {
    let x = x & 0x0FFF_FFFF | (x & 0x00FF_FFFF_F000_0000) << 4;
    let x = x & 0x0000_3FFF_0000_3FFF | (x & 0x0FFF_C000_0FFF_C000) << 2;
    x & 0x007F_007F_007F_007F | (x & 0x3F80_3F80_3F80_3F80) << 1
}

/// Unpacks the septets behind `fill` bits: `count` of them, or as many as there are.
///
/// Without a count the last one may be made of spare bits; with `Padding::CarriageReturn` it is dropped when it
/// is a carriage return that ends on the octet boundary.
#[must_use]
pub fn unpack(octets: &[u8], fill: usize, count: Option<usize>, padding: Padding) -> Vec<u8> {
    let mut out = Vec::with_capacity(packed_septets(octets.len(), fill));
    unpack_into(octets, fill, count, padding, &mut out);
    out
}

/// As [`unpack`], appending to `out`.
pub fn unpack_into(octets: &[u8], fill: usize, count: Option<usize>, padding: Padding, out: &mut Vec<u8>) {
    let start = out.len();
    let available = packed_septets(octets.len(), fill);
    let wanted = count.unwrap_or(available).min(available);
    let (mut bits, mut held, octets) = match octets.get(fill / 8..) {
        None | Some([]) => return,
        Some([first, rest @ ..]) => (u64::from(*first) >> (fill % 8), 8 - fill % 8, rest),
    };
    // Eight septets are seven octets, some bits of which are held.
    let (sevens, rest) = octets.as_chunks::<7>();
    for seven in sevens.iter().take(wanted / 8) {
        let [o0, o1, o2, o3, o4, o5, o6] = *seven;
        let more = u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, 0]);
        bits |= more << held;
        out.extend_from_slice(&scatter(bits & 0x00FF_FFFF_FFFF_FFFF).to_le_bytes());
        bits = more >> (56 - held);
    }
    let taken = out.len() - start;
    let mut rest = octets.get(taken / 8 * 7..).unwrap_or(rest).iter();
    for _ in taken..wanted {
        if held < 7 {
            bits |= rest.next().map_or(0, |octet| u64::from(*octet)) << held;
            held += 8;
        }
        out.push(bits.to_le_bytes()[0] & 0x7F);
        bits >>= 7;
        held -= 7;
    }
    if count.is_none() && padding == Padding::CarriageReturn {
        drop_padding(out, start, available * 7 + fill);
    }
}

/// Drops a final carriage return that ends on the octet boundary, or one behind a carriage return that does:
/// the sender adds that where the text itself ends so.
fn drop_padding(out: &mut Vec<u8>, start: usize, bits: usize) {
    let padded = match out.get(start..) {
        Some([.., CARRIAGE_RETURN]) if bits.is_multiple_of(8) => true,
        Some([.., CARRIAGE_RETURN, CARRIAGE_RETURN]) => (bits - 7).is_multiple_of(8),
        _ => false,
    };
    if padded {
        out.pop();
    }
}
