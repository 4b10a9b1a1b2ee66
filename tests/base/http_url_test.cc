#include "base/http_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http_proxy.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

HttpTarget Target(const std::string& url) { return ParseHttpTarget(url).value(); }

TEST(HttpUrl, IsReadAsLibcurlReadsIt) {
  const HttpTarget target = Target("https://user:pw@Api.Example.ORG/a/../b?token=x#y");
  EXPECT_EQ(target.host, "api.example.org");
  EXPECT_EQ(target.port, 443);
  EXPECT_EQ(target.shown, "https://Api.Example.ORG/a/../b");
  EXPECT_EQ(Target("http://0x7f.1/").host, "127.0.0.1");
  EXPECT_EQ(Target("http://2130706433/").host, "127.0.0.1");
  EXPECT_EQ(Target("http://0177.0.0.1:81/").host, "127.0.0.1");
  EXPECT_EQ(Target("http://[::1]:8080/").host, "[::1]");
  for (const std::string url : {"http://127.1/", "http://[::1]/", "http://LOCALHOST/",
                                "http://localhost./", "http://[::ffff:127.0.0.1]/"}) {
    EXPECT_TRUE(Target(url).IsLoopback()) << url;
  }
  for (const std::string url :
       {"http://127.example.org/", "http://localhost.org/", "http://1.1/"}) {
    EXPECT_FALSE(Target(url).IsLoopback()) << url;
  }
}

TEST(HttpUrl, ARedirectResolvesAgainstTheUrlBefore) {
  const HttpTarget from = Target("https://h.example:444/a/b?x=1");
  EXPECT_EQ(ResolveRedirect(from, "c")->url, "https://h.example:444/a/c");
  EXPECT_EQ(ResolveRedirect(from, "/c?y#z")->url, "https://h.example:444/c?y#z");
  EXPECT_EQ(ResolveRedirect(from, "?y=2")->url, "https://h.example:444/a/b?y=2");
  EXPECT_EQ(ResolveRedirect(from, "//other.example/")->host, "other.example");
  EXPECT_TRUE(ResolveRedirect(from, "/c")->SameOrigin(from));
  EXPECT_FALSE(ResolveRedirect(from, "https://h.example/c")->SameOrigin(from));
}

TEST(HttpUrl, ARedirectLeadsToNothingElse) {
  const HttpTarget from = Target("https://h.example/");
  for (const std::string& location :
       {std::string("file:///etc/passwd"), std::string("ftp://h.example/"),
        std::string("http://h.example/"), std::string("https://"), std::string("https://h:99999/"),
        std::string("/\0x", 3), std::string("javascript:alert(1)"),
        std::string("gopher://h/?secret1")}) {
    const Result<HttpTarget> target = ResolveRedirect(from, location);
    ASSERT_FALSE(target) << location << " " << target->url;
    EXPECT_EQ(target.error().code, "redirect_refused") << location;
    EXPECT_THAT(target.error().message, Not(HasSubstr("secret1")));
  }
}

TEST(HttpProxies, TheSchemeAndTheListOfExceptionsChoose) {
  const HttpProxies proxies{
      "http://p:1", "http://p:2",
      "internal.example, .corp  10.0.0.0/8,*.lan,h.example:81,[fd00::1]:82,1.2.3.4"};
  EXPECT_EQ(proxies.For(Target("http://a.example/")), "http://p:1");
  EXPECT_EQ(proxies.For(Target("https://a.example/")), "http://p:2");
  for (const std::string url :
       {"http://internal.example/", "http://Sub.Internal.Example./", "https://x.corp/",
        "http://corp/", "http://10.2.3.4/", "http://a.lan/", "http://h.example:81/",
        "http://[fd00::1]:82/", "http://1.2.3.4:99/", "http://127.0.0.1/", "https://localhost/"}) {
    EXPECT_EQ(proxies.For(Target(url)), "") << url;
  }
  for (const std::string url :
       {"http://xinternal.example/", "http://internal.example.org/", "http://11.2.3.4/",
        "http://h.example/", "http://[fd00::1]/", "http://1.2.3.5/"}) {
    EXPECT_EQ(proxies.For(Target(url)), "http://p:1") << url;
  }
  EXPECT_EQ((HttpProxies{"http://p:1", "", "*"}.For(Target("http://a.example/"))), "");
  EXPECT_EQ((HttpProxies{"http://p:1", "", ""}.For(Target("https://a.example/"))), "");
}

TEST(HttpProxies, ComeFromTheEnvironment) {
  setenv("http_proxy", "http://a:1", 1);
  setenv("HTTP_PROXY", "http://evil:1", 1);
  setenv("HTTPS_PROXY", "http://b:1", 1);
  setenv("NO_PROXY", "x", 1);
  const HttpProxies proxies = HttpProxies::FromEnvironment();
  unsetenv("http_proxy");
  const HttpProxies without = HttpProxies::FromEnvironment();
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}) unsetenv(name);
  EXPECT_EQ(proxies.http, "http://a:1");
  EXPECT_EQ(proxies.https, "http://b:1");
  EXPECT_EQ(proxies.none, "x");
  EXPECT_EQ(without.http, "");
}

}  // namespace
}  // namespace bizond
