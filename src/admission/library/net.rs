//! `ip(…)` and `cidr(…)`: IP addresses and address blocks.

use std::net::IpAddr;

use cel::common::types::{CelInt, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};

use super::{
    Args, FunctionAnswer, Members, add_global, arg, boolean, invalid, opaque, owned, string, text,
};

opaque!(Ip(IpAddr), IP = "net.IP");
opaque!(Cidr(CidrBlock), CIDR = "net.CIDR");

/// An address, and the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CidrBlock {
    address: IpAddr,
    bits: u8,
}

/// Adds the functions to an environment.
///
/// # Errors
/// Fails if it already has one of them.
pub fn add(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_type(CIDR.to_owned())?;
    env.add_type(IP.to_owned())?;
    add_global(env, "ip", &[&STRING_TYPE], of)?;
    add_global(env, "isIP", &[&STRING_TYPE], is)?;
    add_global(env, "ip.isCanonical", &[&STRING_TYPE], is_canonical)?;
    add_global(env, "cidr", &[&STRING_TYPE], block_of)?;
    add_global(env, "isCIDR", &[&STRING_TYPE], is_block)?;
    add_global(env, "string", &[&IP], |args| {
        string(arg::<Ip>(&args, 0)?.0.to_string())
    })?;
    add_global(env, "string", &[&CIDR], |args| {
        let CidrBlock { address, bits } = arg::<Cidr>(&args, 0)?.0;
        string(format!("{address}/{bits}"))
    })?;
    let mut members = Members(env, &IP);
    members.add("family", &[], |args| {
        let is_four = arg::<Ip>(&args, 0)?.0.is_ipv4();
        owned(CelInt::from(if is_four { 4 } else { 6 }))
    })?;
    members.add("isUnspecified", &[], |args| {
        test(&args, IpAddr::is_unspecified)
    })?;
    members.add("isLoopback", &[], |args| test(&args, IpAddr::is_loopback))?;
    members.add("isLinkLocalMulticast", &[], |args| {
        test(&args, is_link_local_multicast)
    })?;
    members.add("isLinkLocalUnicast", &[], |args| {
        test(&args, is_link_local_unicast)
    })?;
    members.add("isGlobalUnicast", &[], |args| {
        test(&args, is_global_unicast)
    })?;
    let mut members = Members(env, &CIDR);
    members.add("containsIP", &[&IP], |args| {
        let within = arg::<Cidr>(&args, 0)?.0.contains(arg::<Ip>(&args, 1)?.0);
        Ok(boolean(within))
    })?;
    members.add("containsIP", &[&STRING_TYPE], |args| {
        let address = parsed("containsIP", text(&args, 1)?)?;
        Ok(boolean(arg::<Cidr>(&args, 0)?.0.contains(address)))
    })?;
    members.add("containsCIDR", &[&CIDR], |args| {
        let within = arg::<Cidr>(&args, 1)?.0;
        Ok(boolean(arg::<Cidr>(&args, 0)?.0.contains_block(within)))
    })?;
    members.add("containsCIDR", &[&STRING_TYPE], |args| {
        let within = parsed_block("containsCIDR", text(&args, 1)?)?;
        Ok(boolean(arg::<Cidr>(&args, 0)?.0.contains_block(within)))
    })?;
    members.add("ip", &[], |args| {
        owned(Ip(arg::<Cidr>(&args, 0)?.0.address))
    })?;
    members.add("masked", &[], |args| {
        owned(Cidr(arg::<Cidr>(&args, 0)?.0.masked()))
    })?;
    members.add("prefixLength", &[], |args| {
        owned(CelInt::from(i64::from(arg::<Cidr>(&args, 0)?.0.bits)))
    })
}

/// Parses an address as Kubernetes does: no zone, and no IPv4 address within an IPv6 one.
fn parse(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    let is_mapped = matches!(address, IpAddr::V6(six) if six.to_ipv4_mapped().is_some());
    (!is_mapped).then_some(address)
}

fn parse_block(text: &str) -> Option<CidrBlock> {
    let (address, length) = text.rsplit_once('/')?;
    let address = parse(address)?;
    let is_number = length.bytes().all(|b| b.is_ascii_digit());
    let is_padded = length.len() > 1 && length.starts_with('0');
    let bits: u8 = length.parse().ok().filter(|_| is_number && !is_padded)?;
    (bits <= width(address)).then_some(CidrBlock { address, bits })
}

fn parsed(function: &str, text: &str) -> Result<IpAddr, ExecutionError> {
    parse(text).ok_or_else(|| invalid(function, format!("{text:?} is not an IP address")))
}

fn parsed_block(function: &str, text: &str) -> Result<CidrBlock, ExecutionError> {
    parse_block(text).ok_or_else(|| invalid(function, format!("{text:?} is not a CIDR")))
}

fn of<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    owned(Ip(parsed("ip", text(&args, 0)?)?))
}

fn is<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(parse(text(&args, 0)?).is_some()))
}

fn is_canonical<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    let given = text(&args, 0)?;
    Ok(boolean(
        parsed("ip.isCanonical", given)?.to_string() == given,
    ))
}

fn block_of<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    owned(Cidr(parsed_block("cidr", text(&args, 0)?)?))
}

fn is_block<'b, 'v>(args: Args<'b, 'v>) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(parse_block(text(&args, 0)?).is_some()))
}

fn test<'b, 'v>(args: &[CowVal<'b, 'v>], question: fn(&IpAddr) -> bool) -> FunctionAnswer<'b, 'v> {
    Ok(boolean(question(&arg::<Ip>(args, 0)?.0)))
}

fn is_link_local_multicast(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => matches!(four.octets(), [224, 0, 0, _]),
        IpAddr::V6(six) => six.segments()[0] & 0xff0f == 0xff02,
    }
}

fn is_link_local_unicast(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.segments()[0] & 0xffc0 == 0xfe80,
    }
}

/// Returns whether an address is global in Go's sense, which includes private addresses.
fn is_global_unicast(address: &IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(four) if four.is_broadcast());
    !is_broadcast
        && !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && !is_link_local_unicast(address)
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl CidrBlock {
    fn masked(self) -> Self {
        let keep = |bits: u128, width: u32| {
            let rest = width.saturating_sub(u32::from(self.bits));
            bits.checked_shr(rest)
                .and_then(|bits| bits.checked_shl(rest))
                .unwrap_or(0)
        };
        let address = match self.address {
            IpAddr::V4(four) => {
                let kept = keep(u128::from(four.to_bits()), 32);
                IpAddr::V4(u32::try_from(kept).unwrap_or_default().into())
            }
            IpAddr::V6(six) => IpAddr::V6(keep(six.to_bits(), 128).into()),
        };
        Self { address, ..self }
    }

    fn contains(self, address: IpAddr) -> bool {
        let other = Self { address, ..self };
        address.is_ipv4() == self.address.is_ipv4()
            && other.masked().address == self.masked().address
    }

    fn contains_block(self, other: Self) -> bool {
        self.bits <= other.bits && self.contains(other.address)
    }
}
