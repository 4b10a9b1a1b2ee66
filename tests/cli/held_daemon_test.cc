// A held run over a real daemon: kept over a restart, and published by `bizond runs approve`.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "tests/base/temporary_directory.h"
#include "tests/cli/command.h"
#include "tests/fakes/server_process.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// Free a moment ago.
int FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener, raw, size), 0);
  EXPECT_EQ(getsockname(listener, raw, &size), 0);
  close(listener);
  return ntohs(address.sin_port);
}

class HeldDaemonTest : public ::testing::Test {
 protected:
  HeldDaemonTest() {
    directory_.Write("data/rows.jsonl", "{\"id\":1}\n");
    directory_.Write("job.yml",
                     "name: rows\nsource: {name: file, stream: rows, path: rows.jsonl}\n"
                     "destination: {name: file, config: {destination_id: out, unnest: true}}\n"
                     "checks: {min_rows: 2}\n");
  }

  // Ends the one before, if there is one.
  void Start() {
    daemon_.reset();
    const std::string root = directory_.path().string();
    url_ = "127.0.0.1:" + std::to_string(FreePort());
    daemon_ = std::make_unique<ServerProcess>(
        BIZOND_BINARY,
        std::vector<std::string>{"serve", "--state-dir", root + "/state", "--data-dir",
                                 root + "/data", "--listen", url_, "--log-level", "error"});
    Await("jobs list", [](const json&) { return true; });
  }
  Outcome Bizond(const std::string& arguments) {
    return RunBizond(directory_.path(), arguments + " --url " + url_);
  }
  // Asks until the answer is as wanted.
  template <typename F>
  void Await(const std::string& arguments, F wanted) {
    constexpr int kAsksMax = 1000;
    for (int i = 0; i < kAsksMax; ++i) {
      const Outcome outcome = Bizond(arguments + " --json");
      if (outcome.exit_code == 0 && wanted(json::parse(outcome.out, nullptr, false))) return;
    }
    ADD_FAILURE() << arguments << " never answered as it was to";
  }

  TemporaryDirectory directory_;
  std::string url_;
  std::unique_ptr<ServerProcess> daemon_;
};

TEST_F(HeldDaemonTest, IsApprovedAfterARestart) {
  Start();
  ASSERT_EQ(Bizond("jobs apply -f job.yml").exit_code, 0);
  const Outcome held = Bizond("jobs trigger rows --wait");
  EXPECT_EQ(held.exit_code, 1);
  EXPECT_THAT(held.err, HasSubstr("held_min_rows"));
  Start();
  const json runs = json::parse(Bizond("runs list --state held --json").out, nullptr, false);
  ASSERT_EQ(runs["items"].size(), 1U);
  const std::string id = runs["items"][0]["id"];
  directory_.Write("data/rows.jsonl", "{\"id\":2}\n{\"id\":3}\n");
  EXPECT_EQ(Bizond("runs approve " + id).exit_code, 0);
  Await("runs show " + id, [](const json& run) { return run.value("state", "") == "succeeded"; });
  EXPECT_EQ(directory_.Read("data/out.json"), "{\"id\":1}\n");
  EXPECT_EQ(Bizond("runs approve " + id).exit_code, 1);
}

}  // namespace
}  // namespace bizond
