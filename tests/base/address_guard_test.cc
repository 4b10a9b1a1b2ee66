#include "base/address_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bizond {
namespace {

using ::testing::HasSubstr;

std::string_view UseOf(std::string_view text) {
  const std::optional<IpAddress> address = ParseIpAddress(text);
  return address ? SpecialUseOf(*address) : "no address";
}

AddressGuard Allowing(const std::vector<std::string>& entries) {
  Result<AddressGuard> guard = AddressGuard::Allowing(entries);
  EXPECT_TRUE(guard) << (guard ? "" : Describe(guard.error()));
  return guard.value_or(AddressGuard());
}

bool Allows(const AddressGuard& guard, std::string_view host, std::string_view address,
            uint16_t port) {
  return guard.Check(host, *ParseIpAddress(address), port).has_value();
}

TEST(AddressGuard, RefusesWhatIsNotPublic) {
  const std::pair<std::string_view, std::string_view> hostile[] = {
      {"0.0.0.0", "unspecified"},
      {"0.1.2.3", "unspecified"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"100.64.0.1", "shared (CGNAT)"},
      {"100.100.100.200", "shared (CGNAT)"},
      {"100.127.255.255", "shared (CGNAT)"},
      {"127.0.0.1", "loopback"},
      {"127.255.255.254", "loopback"},
      {"168.63.129.16", "link-local"},
      {"169.254.169.254", "link-local"},
      {"172.16.0.1", "private"},
      {"172.31.255.255", "private"},
      {"192.0.0.192", "reserved"},
      {"192.0.2.1", "documentation"},
      {"192.88.99.1", "reserved"},
      {"192.168.1.1", "private"},
      {"198.18.0.1", "benchmark"},
      {"198.19.255.255", "benchmark"},
      {"198.51.100.7", "documentation"},
      {"203.0.113.7", "documentation"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.1", "reserved"},
      {"255.255.255.255", "reserved"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::2", "reserved"},
      {"::127.0.0.1", "reserved"},
      {"::8.8.8.8", "reserved"},
      {"::ffff:127.0.0.1", "loopback"},
      {"::ffff:7f00:1", "loopback"},
      {"::ffff:169.254.169.254", "link-local"},
      {"::ffff:0.0.0.0", "unspecified"},
      {"::ffff:0:10.0.0.1", "private"},
      {"64:ff9b::7f00:1", "loopback"},
      {"64:ff9b::169.254.169.254", "link-local"},
      {"64:ff9b:1::8.8.8.8", "local NAT64"},
      {"2002:7f00:1::", "loopback"},
      {"2002:a9fe:a9fe::1", "link-local"},
      {"2002:c0a8:101::", "private"},
      {"2001:0:53aa:64c:0:0:80ff:fffe", "Teredo"},
      {"2001:2::1", "reserved"},
      {"2001:db8::1", "documentation"},
      {"3fff::1", "documentation"},
      {"2a00:1450::5efe:a00:1", "private"},
      {"2a00:1450::200:5efe:7f00:1", "loopback"},
      {"100::1", "reserved"},
      {"5f00::1", "reserved"},
      {"fc00::1", "unique local"},
      {"fd00:ec2::254", "unique local"},
      {"fe80::1", "link-local"},
      {"fe80::1%eth0", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "site-local"},
      {"ff02::1", "multicast"},
      {"[::1]", "loopback"},
  };
  for (const auto& [text, use] : hostile) EXPECT_EQ(UseOf(text), use) << text;
}

TEST(AddressGuard, LetsPublicAddressesPass) {
  for (const std::string_view text : {"1.1.1.1",
                                      "8.8.8.8",
                                      "9.255.255.255",
                                      "11.0.0.0",
                                      "100.63.255.255",
                                      "100.128.0.0",
                                      "126.255.255.255",
                                      "128.0.0.0",
                                      "169.253.255.255",
                                      "169.255.0.0",
                                      "172.15.255.255",
                                      "172.32.0.0",
                                      "192.167.255.255",
                                      "192.169.0.0",
                                      "198.17.255.255",
                                      "198.20.0.0",
                                      "223.255.255.255",
                                      "2606:4700:4700::1111",
                                      "2a00:1450::5efe:808:808",
                                      "::ffff:8.8.8.8",
                                      "64:ff9b::8.8.8.8",
                                      "2002:808:808::1",
                                      "2001:4860:4860::8888"}) {
    EXPECT_EQ(UseOf(text), "") << text;
  }
}

TEST(AddressGuard, ReadsNoOtherWayToWriteANumber) {
  for (const std::string_view text :
       {"", "0x7f.1", "127.1", "2130706433", "0177.0.0.1", "127.0.0.1 ", "1.2.3.4.5", "256.1.1.1",
        ":::", "[127.0.0.1", "localhost"}) {
    EXPECT_FALSE(ParseIpAddress(text)) << text;
  }
  EXPECT_FALSE(ParseIpAddress(std::string_view("1.1.1.1\0x", 9)));
}

TEST(AddressGuard, TheOperatorsListMakesExceptions) {
  const AddressGuard guard =
      Allowing({"10.1.0.0/16", "192.168.1.5", "172.16.0.1:8080", "DB.Internal.",
                "api.internal:8443", "fd00:1::/32", "[::1]:9000", "127.0.0.0/8"});
  EXPECT_TRUE(Allows(guard, "a", "10.1.255.1", 80));
  EXPECT_FALSE(Allows(guard, "a", "10.2.0.1", 80));
  EXPECT_TRUE(Allows(guard, "a", "::ffff:10.1.0.1", 80));
  EXPECT_FALSE(Allows(guard, "a", "64:ff9b::10.1.0.1", 80));
  EXPECT_TRUE(Allows(guard, "a", "192.168.1.5", 1));
  EXPECT_FALSE(Allows(guard, "a", "192.168.1.6", 1));
  EXPECT_TRUE(Allows(guard, "a", "172.16.0.1", 8080));
  EXPECT_FALSE(Allows(guard, "a", "172.16.0.1", 80));
  EXPECT_TRUE(Allows(guard, "db.internal", "10.9.9.9", 5432));
  EXPECT_TRUE(Allows(guard, "DB.INTERNAL.", "10.9.9.9", 5432));
  EXPECT_FALSE(Allows(guard, "xdb.internal", "10.9.9.9", 5432));
  EXPECT_FALSE(Allows(guard, "db.internal.evil.example", "10.9.9.9", 5432));
  EXPECT_TRUE(Allows(guard, "api.internal", "10.9.9.9", 8443));
  EXPECT_FALSE(Allows(guard, "api.internal", "10.9.9.9", 443));
  EXPECT_TRUE(Allows(guard, "a", "fd00:1:2::3", 1));
  EXPECT_FALSE(Allows(guard, "a", "fd00:2::3", 1));
  EXPECT_TRUE(Allows(guard, "a", "::1", 9000));
  EXPECT_FALSE(Allows(guard, "a", "::1", 9001));
  EXPECT_TRUE(Allows(guard, "anything.example", "8.8.8.8", 443));
}

TEST(AddressGuard, RefusesAListThatItDoesNotUnderstand) {
  for (const std::string& entry :
       std::vector<std::string>{"", ":80", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129",
                                "host:0", "host:65536", "host:x", "host:", "a b", "*", "http://h/",
                                "10.0.0", "1.2.3.256", "10.0.0.0/8:80", "a\nb"}) {
    const Result<AddressGuard> guard = AddressGuard::Allowing(std::vector{entry});
    ASSERT_FALSE(guard) << entry;
    EXPECT_EQ(guard.error().code, "bad_allowed_address") << entry;
    EXPECT_EQ(guard.error().kind, ErrorKind::kConfig) << entry;
  }
}

TEST(AddressGuard, JudgesWhatItCanOfAHostThatAProxyResolves) {
  const AddressGuard guard;
  for (const std::string_view host :
       {"127.0.0.1", "[::1]", "localhost", "LocalHost.", "a.localhost"}) {
    const Status status = guard.CheckUnresolved(host, 80);
    ASSERT_FALSE(status) << host;
    EXPECT_EQ(status.error().code, "address_refused");
    EXPECT_EQ(status.error().kind, ErrorKind::kPermanent);
    EXPECT_THAT(status.error().message, HasSubstr("loopback"));
  }
  EXPECT_TRUE(guard.CheckUnresolved("example.org", 80));
  EXPECT_TRUE(guard.CheckUnresolved("8.8.8.8", 80));
  EXPECT_TRUE(Allowing({"localhost:80"}).CheckUnresolved("localhost", 80));
}

}  // namespace
}  // namespace bizond
