// The parts of the destination `bigquery` that make files and send them beside the making.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <future>
#include <random>
#include <string>
#include <vector>

#include "destinations/bigquery/gzip_buffer.h"
#include "destinations/bigquery/job_queue.h"

namespace bizond {
namespace {

std::string Joined(const std::vector<std::string>& pieces) {
  std::string all;
  for (const std::string& piece : pieces) all += piece;
  return all;
}

std::string Inflated(std::string packed, size_t room) {
  std::string out(room, '\0');
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(z.avail_in, 0U);
  out.resize(z.total_out);
  EXPECT_EQ(inflateEnd(&z), Z_OK);
  return out;
}

TEST(GzipBufferTest, PiecesMakeOneFile) {
  std::mt19937 random(7);
  std::string text(5 << 20, '\0');
  for (char& c : text) c = static_cast<char>(random() & 0xff);  // Does not compress.
  GzipBuffer buffer;
  for (const size_t size : {text.size(), size_t{1}, size_t{0}, size_t{1} << 20, text.size()}) {
    SCOPED_TRACE(size);
    for (size_t at = 0; at < size;) {
      const size_t step = std::min<size_t>(1 + random() % 100'000, size - at);
      buffer.Write(std::string_view(text).substr(at, step));
      at += step;
    }
    const std::vector<std::string> pieces = buffer.Finish();
    EXPECT_EQ(pieces.size() > 1, size >= size_t{1} << 20);
    EXPECT_EQ(Inflated(Joined(pieces), text.size() + 1), text.substr(0, size));
    EXPECT_EQ(buffer.size(), 0U);
  }
  buffer.Write(text);
  buffer.Clear();
  buffer.Write("after");
  EXPECT_EQ(Inflated(Joined(buffer.Finish()), 100), "after");
}

Error Refused() {
  return {.kind = ErrorKind::kTransient, .code = "x", .message = "no", .remedy = "none"};
}

TEST(JobQueueTest, StartsBesideTheCaller) {
  JobQueue queue(nullptr);
  std::promise<void> next_file_made;
  std::promise<std::string> started;
  int attempts = 0;
  const Status handed = queue.StartBeside(
      {.number = 7,
       .stem = "s",
       .start = [&](const std::string& id, std::stop_token) -> Result<BigQueryJob> {
         next_file_made.get_future().wait();
         started.set_value(id);
         return BigQueryJob{};
       },
       .before = [&] { ++attempts; }},
      {});
  ASSERT_TRUE(handed);
  EXPECT_TRUE(queue.Holds(7));
  EXPECT_EQ(attempts, 1);
  next_file_made.set_value();
  EXPECT_EQ(started.get_future().get(), "s-a1");
  EXPECT_TRUE(queue.AwaitUntil(1, nullptr, {}));
  EXPECT_TRUE(queue.Holds(7));
}

TEST(JobQueueTest, TheNextCallSaysWhatWentWrong) {
  const auto refuse = [](const std::string&, std::stop_token) -> Result<BigQueryJob> {
    return Failure(Refused());
  };
  JobQueue queue(nullptr);
  ASSERT_TRUE(queue.StartBeside({.number = 1, .stem = "s", .start = refuse, .before = {}}, {}));
  const Status second =
      queue.StartBeside({.number = 2, .stem = "t", .start = refuse, .before = {}}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "x");
  EXPECT_FALSE(queue.Holds(2));
  JobQueue other(nullptr);
  ASSERT_TRUE(other.StartBeside({.number = 1, .stem = "s", .start = refuse, .before = {}}, {}));
  EXPECT_FALSE(other.AwaitUntil(0, nullptr, {}));
}

TEST(JobQueueTest, AStopEndsWhatIsBeingStarted) {
  const auto wait = [](const std::string&, std::stop_token stop) -> Result<BigQueryJob> {
    std::promise<void> stopped;
    const std::stop_callback tell(stop, [&] { stopped.set_value(); });
    stopped.get_future().wait();
    return Failure(StoppedError("a test"));
  };
  JobQueue queue(nullptr);
  std::stop_source run;
  ASSERT_TRUE(
      queue.StartBeside({.number = 1, .stem = "s", .start = wait, .before = {}}, run.get_token()));
  run.request_stop();
  const Status stopped = queue.AwaitUntil(0, nullptr, {});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kStopped);
  // Nor does the end of the queue wait for it.
  ASSERT_TRUE(queue.StartBeside({.number = 2, .stem = "s", .start = wait, .before = {}}, {}));
  queue.Clear();
  EXPECT_FALSE(queue.Holds(2));
}

}  // namespace
}  // namespace bizond
