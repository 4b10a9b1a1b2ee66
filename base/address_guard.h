// AddressGuard: which addresses a connector may connect to.
//
// A job names URLs, and a server names others in its redirects. Whoever writes them must not reach
// by them what only this machine can reach: its loopback, its network, the cloud's metadata service
// at 169.254.169.254. The guard judges the address that is connected to and not the name in the
// URL, so that neither a name that resolves to something else the second time nor 0x7f.1 gets by.
//
// Refused is all that is not publicly routed unicast: unspecified, loopback, private, link-local,
// shared (CGNAT), multicast, reserved, documentation and benchmark addresses, unique local and
// site-local IPv6, and the IPv6 forms that carry such an IPv4 address within them (mapped,
// compatible, translated, NAT64, 6to4, ISATAP); Teredo and local NAT64 altogether.
//
// The operator's list makes exceptions: names, addresses and CIDRs, the first two with or without a
// port. A name trusts whatever it resolves to.
//
// Error codes: bad_allowed_address (config), address_refused (permanent).
//
// Threads: immutable; may be shared.
#ifndef BIZOND_BASE_ADDRESS_GUARD_H_
#define BIZOND_BASE_ADDRESS_GUARD_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bizond {

// An IPv6 address, or an IPv4 one in its mapped form (::ffff:a.b.c.d).
using IpAddress = std::array<uint8_t, 16>;

// Dotted decimal or IPv6, with or without brackets and zone; no other way to write a number.
std::optional<IpAddress> ParseIpAddress(std::string_view text);
std::optional<IpAddress> IpAddressOf(const sockaddr* address);
uint16_t PortOf(const sockaddr* address);
std::string FormatIpAddress(const IpAddress& address);

// A range such as 10.0.0.0/8 or fd00::/8; an address alone is a range of one.
struct IpRange {
  IpAddress first{};
  int prefix_bits = 128;

  bool Contains(const IpAddress& address) const;
};
std::optional<IpRange> ParseIpRange(std::string_view text);

// "" for a publicly routed unicast address, else what it is: "loopback", "private", ...
std::string_view SpecialUseOf(const IpAddress& address);

class AddressGuard {
 public:
  // Refuses every special address.
  AddressGuard() = default;
  static Result<AddressGuard> Allowing(std::span<const std::string> entries);

  // May a connection for the URL's `host` be made to this address and port?
  Status Check(std::string_view host, const IpAddress& address, uint16_t port) const;
  // What can be known of a host that a proxy will resolve: an address in the URL is judged, and so
  // are the names of the loopback.
  Status CheckUnresolved(std::string_view host, uint16_t port) const;

 private:
  struct Entry {
    std::string name;  // In lower case; "" for a range.
    IpRange range;
    uint16_t port = 0;  // 0: any.
  };
  static std::optional<Entry> ParseEntry(std::string_view text);
  bool AllowsName(std::string_view host, uint16_t port) const;

  std::vector<Entry> allowed_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_ADDRESS_GUARD_H_
