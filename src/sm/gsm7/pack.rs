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

/// Octets that `septets` septets behind `fill` bits take.
#[must_use]
pub const fn packed_octets(septets: usize, fill: usize) -> usize {
    (septets * 7 + fill).div_ceil(8)
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
    out.resize(out.len() + fill / 8, 0);
    let (mut bits, mut held) = (0_u16, fill % 8);
    for septet in septets {
        bits |= u16::from(septet & 0x7F) << held;
        held += 7;
        if held >= 8 {
            out.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            held -= 8;
        }
    }
    let cr = padding == Padding::CarriageReturn && !septets.is_empty();
    match held {
        // Seven bits are spare.
        1 if cr => out.push(bits.to_le_bytes()[0] | CARRIAGE_RETURN << 1),
        // The last septet ends on the octet boundary and would be taken for padding.
        0 if cr
            && septets
                .last()
                .is_some_and(|septet| septet & 0x7F == CARRIAGE_RETURN) =>
        {
            out.push(CARRIAGE_RETURN);
        }
        0 => {}
        _ => out.push(bits.to_le_bytes()[0]),
    }
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
    let Some((first, more)) = octets.get(fill / 8..).and_then(<[u8]>::split_first) else {
        return;
    };
    let (mut bits, mut held) = (u16::from(*first) >> (fill % 8), 8 - fill % 8);
    let mut more = more.iter();
    for _ in 0..wanted {
        if held < 7 {
            bits |= more.next().map_or(0, |octet| u16::from(*octet)) << held;
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
