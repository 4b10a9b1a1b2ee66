// Every form of a reference, what a policy lets through, and files of variables.
#include "sync/secrets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "tests/base/temporary_directory.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

SecretPolicy All() {
  SecretPolicy policy;
  policy.allow_all = true;
  return policy;
}

std::string CodeOf(const Result<std::string>& result) {
  return result ? "ok: " + *result : result.error().code;
}

class Secrets : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("BIZOND_TEST_TOKEN", "t0ken-of-the-test", 1);
    setenv("BIZON_ENV_TOKEN", "as bizon has it", 1);
    setenv("BIZOND_TEST_EMPTY", "", 1);
    unsetenv("BIZOND_TEST_ABSENT");
    directory_.Write("token", "from-a-file\n");
  }
  std::string FileReference(const std::string& name = "token") const {
    return "file://" + (directory_.path() / name).string();
  }
  TemporaryDirectory directory_;
};

TEST_F(Secrets, EveryFormOfAReference) {
  const SecretResolver resolver(All());
  EXPECT_EQ(resolver.ResolveOne("env://BIZOND_TEST_TOKEN").value(), "t0ken-of-the-test");
  EXPECT_EQ(resolver.ResolveOne("BIZON_ENV_TOKEN").value(), "as bizon has it");
  EXPECT_EQ(resolver.ResolveOne(FileReference()).value(), "from-a-file");
  EXPECT_EQ(resolver.ResolveOne("env://BIZOND_TEST_EMPTY").value(), "");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("gsm://project/secret")), "bad_secret_reference");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("env://BIZOND_TEST_ABSENT")), "secret_missing");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("env://no name")), "secret_missing");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("env://1X")), "secret_missing");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("env://")), "secret_missing");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("vault://x")), "secret_missing");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("")), "secret_missing");
}

TEST_F(Secrets, WhatIsAReference) {
  for (const char* const text :
       {"env://X", "file:///run/x", "gsm://p/s", "BIZON_ENV_X", "${env://X}", "a ${env://X} b",
        "Bearer ${file:///x}", "${ env://X }", "${x} ${env://X}"}) {
    EXPECT_TRUE(IsSecretReference(text)) << text;
  }
  for (const char* const text :
       {"", "env://", "BIZON_ENV_", "plain", "${X}", "${env://X", "$env://X", "xenv://X", "ENV://X",
        "https://env//x", "${env://}", "${BIZON_ENV_X}"}) {
    EXPECT_FALSE(IsSecretReference(text)) << text;
  }
}

TEST_F(Secrets, ResolvesAllStringsOfAConfigurationAndNothingElse) {
  const SecretResolver resolver(All(), {{"EXTRA", "of --env-file"},
                                        {"BIZOND_TEST_TOKEN", "comes before the environment"},
                                        {"NESTED", "${env://EXTRA}"},
                                        {"QUOTED", "a\"b\\c\n\xC3\xA9"}});
  const json config = {{"env://EXTRA", "key"},
                       {"a", {"env://EXTRA", 1, nullptr, true, {{"b", "${env://QUOTED}"}}}},
                       {"c", "x ${env://EXTRA}/${ env://EXTRA } y ${z} ${env://"},
                       {"d", "env://BIZOND_TEST_TOKEN"},
                       {"e", "env://NESTED"},
                       {"f", "BIZON_ENV_TOKEN"}};
  const Result<std::string> resolved = resolver.Resolve(config.dump(), JobSpec());
  ASSERT_TRUE(resolved) << Describe(resolved.error());
  const json expected = {{"env://EXTRA", "key"},
                         {"a", {"of --env-file", 1, nullptr, true, {{"b", "a\"b\\c\n\xC3\xA9"}}}},
                         {"c", "x of --env-file/of --env-file y ${z} ${env://"},
                         {"d", "comes before the environment"},
                         {"e", "${env://EXTRA}"},
                         {"f", "as bizon has it"}};
  EXPECT_EQ(json::parse(*resolved), expected);
}

TEST_F(Secrets, AnErrorSaysWhereAndNeverTheValue) {
  const SecretResolver resolver(All(), {{"A", "hidden-value-of-a"}});
  const auto failed = resolver.Resolve(
      R"({"x": {"y": ["env://A", "${env://A} ${env://BIZOND_TEST_ABSENT}"]}})", JobSpec());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "secret_missing");
  EXPECT_EQ(failed.error().kind, ErrorKind::kConfig);
  EXPECT_THAT(failed.error().message, HasSubstr("x.y[1]:"));
  EXPECT_THAT(failed.error().message, HasSubstr("BIZOND_TEST_ABSENT"));
  EXPECT_THAT(Describe(failed.error()), Not(HasSubstr("hidden-value")));
  EXPECT_EQ(CodeOf(resolver.Resolve("{", JobSpec())), "bad_stored_job");
}

TEST_F(Secrets, EveryValueIsRedactedFromThenOn) {
  const SecretResolver resolver(All(), {{"P", "hunter-two-\"quoted\""}});
  ASSERT_TRUE(resolver.Resolve(R"({"a": "postgres://u:${env://P}@h"})", JobSpec()));
  EXPECT_EQ(Redact("it was hunter-two-\"quoted\"."), "it was ***.");
  EXPECT_EQ(Redact(R"({"x":"hunter-two-\"quoted\""})"), R"({"x":"***"})");
  ASSERT_TRUE(resolver.ResolveOne(FileReference()));
  EXPECT_EQ(Redact("from-a-file"), "***");
  JobSpec job;
  job.plain_secrets["plain:///source/token"] = "written-in-the-file";
  EXPECT_EQ(json::parse(resolver.Resolve(R"(["plain:///source/token"])", job).value()),
            json({"written-in-the-file"}));
  EXPECT_EQ(Redact("written-in-the-file"), "***");
  EXPECT_EQ(CodeOf(resolver.Resolve(R"(["plain:///source/token"])", JobSpec())), "secret_missing");
}

TEST_F(Secrets, BytesThatAreNoTextAreRefusedAndNotAltered) {
  setenv("BIZOND_TEST_BYTES", "ab\xFF\xFE", 1);
  EXPECT_EQ(CodeOf(SecretResolver(All()).ResolveOne("env://BIZOND_TEST_BYTES")), "secret_missing");
}

TEST_F(Secrets, OneLineEndOfAFileIsNotPartOfTheSecret) {
  const SecretResolver resolver(All());
  const std::pair<const char*, const char*> kFiles[] = {
      {"a", "a"}, {"a\n", "a"}, {"a\r\n", "a"}, {"a\n\n", "a\n"}, {"", ""}, {" a ", " a "}};
  for (const auto& [content, value] : kFiles) {
    directory_.Write("s", content);
    EXPECT_EQ(resolver.ResolveOne(FileReference("s")).value(), value);
  }
  directory_.Write("s", std::string(64 << 10, 'x'));
  EXPECT_TRUE(resolver.ResolveOne(FileReference("s")));
  directory_.Write("s", std::string((64 << 10) + 1, 'x'));
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("s"))), "secret_missing");
}

TEST_F(Secrets, AFifoOrADirectoryIsRefusedAtOnce) {
  const SecretResolver resolver(All());
  ASSERT_EQ(mkfifo((directory_.path() / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("fifo"))), "secret_missing");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("file://" + directory_.path().string())), "secret_missing");
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("absent"))), "secret_missing");
}

TEST_F(Secrets, APolicyLetsThroughWhatItNamesAndNothingElse) {
  SecretPolicy policy;
  policy.environment = {"BIZOND_TEST_T*", "BIZON_ENV_TOKE?"};
  policy.files = {(directory_.path() / "allowed" / "*").string()};
  directory_.Write("allowed/one", "1");
  directory_.Write("allowed/deep/two", "2");
  const SecretResolver resolver(policy, {{"BIZOND_TEST_EXTRA", "x"}});
  EXPECT_EQ(CodeOf(resolver.ResolveOne("env://BIZOND_TEST_TOKEN")), "ok: t0ken-of-the-test");
  EXPECT_EQ(CodeOf(resolver.ResolveOne("BIZON_ENV_TOKEN")), "ok: as bizon has it");
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("allowed/one"))), "ok: 1");
  for (const char* const forbidden :
       {"env://PATH", "env://BIZOND_TEST_EMPTY", "env://BIZOND_TEST_EXTRA",
        "env://BIZOND_TEST_ABSENT", "BIZON_ENV_OTHER", "file:///etc/passwd"}) {
    EXPECT_EQ(CodeOf(resolver.ResolveOne(forbidden)), "secret_forbidden") << forbidden;
  }
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference())), "secret_forbidden");
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("allowed/deep/two"))), "secret_forbidden");
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("allowed/../token"))), "secret_forbidden");
  // Whether a forbidden file exists is not told either.
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("absent"))), "secret_forbidden");
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("allowed/absent"))), "secret_missing");
  EXPECT_EQ(CodeOf(SecretResolver(SecretPolicy()).ResolveOne("env://BIZOND_TEST_TOKEN")),
            "secret_forbidden");
}

TEST_F(Secrets, ALinkDoesNotLeadOutOfAnAllowedDirectory) {
  namespace fs = std::filesystem;
  SecretPolicy policy;
  policy.files = {(directory_.path() / "allowed" / "*").string()};
  directory_.Write("allowed/..data/one", "1");
  fs::create_symlink("..data/one", directory_.path() / "allowed" / "inside");
  fs::create_symlink(directory_.path() / "token", directory_.path() / "allowed" / "outside");
  fs::create_directory_symlink(directory_.path(), directory_.path() / "alias");
  const SecretResolver resolver(policy);
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("allowed/inside"))), "ok: 1");
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("allowed/outside"))), "secret_forbidden");
  EXPECT_EQ(CodeOf(resolver.ResolveOne(FileReference("alias/allowed/inside"))), "secret_forbidden");
}

TEST_F(Secrets, ReferencesOfAJobWithTheirPlaces) {
  const auto found = SecretResolver::References(
      R"({"a": "env://X", "b": ["x", "${env://Y}-${file:///z}"], "c": "plain:///c", "d": 1})");
  ASSERT_EQ(found.size(), 4);
  EXPECT_EQ(found[0].path + " " + found[0].reference, "a env://X");
  EXPECT_EQ(found[1].path + " " + found[1].reference, "b[1] env://Y");
  EXPECT_EQ(found[2].path + " " + found[2].reference, "b[1] file:///z");
  EXPECT_EQ(found[3].path + " " + found[3].reference, "c plain:///c");
  EXPECT_TRUE(SecretResolver::References("not JSON").empty());
}

class EnvFile : public ::testing::Test {
 protected:
  Result<std::map<std::string, std::string>> Read(const std::string& text) {
    directory_.Write(".env", text);
    return ReadEnvFile((directory_.path() / ".env").string());
  }
  std::string One(const std::string& line) {
    const auto read = Read(line);
    if (!read) return read.error().code + ": " + read.error().message;
    return read->size() == 1 && read->contains("K") ? "[" + read->at("K") + "]" : "another key";
  }
  TemporaryDirectory directory_;
};

TEST_F(EnvFile, EveryFormOfALine) {
  const std::pair<const char*, const char*> kLines[] = {
      {"K=v", "[v]"},
      {"K=v\n", "[v]"},
      {"K=v\r\n", "[v]"},
      {"\xEF\xBB\xBFK=v\n", "[v]"},
      {"  K = v  ", "[v]"},
      {"export K=v", "[v]"},
      {"\texport  K=v", "[v]"},
      {"K=", "[]"},
      {"K=\n", "[]"},
      {"K=a b", "[a b]"},
      {"K=a=b==", "[a=b==]"},
      {"K=v # comment", "[v]"},
      {"K=v#1", "[v#1]"},
      {"K=#1", "[#1]"},
      {"K= # comment", "[]"},
      {"K=v\t# comment", "[v]"},
      {"K='a # b'", "[a # b]"},
      {"K='a\\nb'", "[a\\nb]"},
      {"K=\"a\\nb\"", "[a\nb]"},
      {"K=\"a\\\"b\\\\c\\$d\"", "[a\"b\\c$d]"},
      {"K=\"a\nb\"", "[a\nb]"},
      {"K='' # empty", "[]"},
      {"K=\"v\" # comment\r\n", "[v]"},
      {"K=it's", "[it's]"},
      {"# comment\n\n   \nK=v\n# end", "[v]"},
      {"#K=v\nK=w", "[w]"},
      {"K=v\nK=w", "[w]"},
      {"K=\xC3\xA9", "[\xC3\xA9]"},
  };
  for (const auto& [line, value] : kLines) EXPECT_EQ(One(line), value) << line;
}

TEST_F(EnvFile, SeveralLinesKeepTheirOrderAndNumbers) {
  const auto read = Read("A=1\r\nexport B='two\nlines'\r\n\r\nC=\"3\"\n");
  ASSERT_TRUE(read) << Describe(read.error());
  EXPECT_EQ(*read,
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "two\nlines"}, {"C", "3"}}));
  const auto bad = Read("A=1\nB='two\nlines'\nsecret-without-a-key\n");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, "bad_env_file");
  EXPECT_THAT(bad.error().message, HasSubstr(".env:4:"));
  EXPECT_THAT(Describe(bad.error()), Not(HasSubstr("secret-without")));
}

TEST_F(EnvFile, LinesThatDoNotReadAreErrors) {
  for (const char* const line : {"K", "=v", "1K=v", "K K=v", "K-L=v", "K='v", "K=\"v\\\"", "K='v'w",
                                 "K=\"v\"\"w\"", "export =v", "export"}) {
    EXPECT_THAT(One(line), HasSubstr("bad_env_file")) << line;
  }
  EXPECT_THAT(One(std::string("K=a\0b", 5)), HasSubstr("bad_env_file"));
  EXPECT_THAT(One(std::string("K='a\0b'", 7)), HasSubstr("bad_env_file"));
  EXPECT_FALSE(ReadEnvFile((directory_.path() / "absent").string()));
  EXPECT_FALSE(ReadEnvFile(directory_.path().string()));
}

}  // namespace
}  // namespace bizond
