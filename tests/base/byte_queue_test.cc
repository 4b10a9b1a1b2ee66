#include "base/byte_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace bizond {
namespace {

template <typename F>
auto Started(F work) {
  return std::async(std::launch::async, std::move(work));
}

TEST(ByteQueue, KeepsTheOrderAndMovesItsValues) {
  ByteQueue<std::unique_ptr<int>> queue(100);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue.Push(std::make_unique<int>(i), 10, {}));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(**queue.Pop({}), i);
}

TEST(ByteQueue, NeverHoldsMoreThanItsBound) {
  constexpr size_t kBound = 1000;
  ByteQueue<size_t> queue(kBound);
  std::atomic<size_t> inside = 0;
  std::atomic<size_t> most = 0;
  auto pusher = Started([&] {
    for (size_t i = 0; i < 5000; ++i) {
      const size_t bytes = 1 + i * 37 % 400;
      EXPECT_TRUE(queue.Push(bytes, bytes, {}));
      // Counted after the push and taken off before the next pop: it never shows more than is
      // inside by more than the one value that the popper holds.
      most = std::max(most.load(), inside += bytes);
    }
    queue.Close();
  });
  size_t popped = 0;
  while (const std::optional<size_t> bytes = queue.Pop({})) {
    inside -= *bytes;
    ++popped;
  }
  pusher.get();
  EXPECT_EQ(popped, 5000u);
  EXPECT_LE(most.load(), kBound + 400);
}

TEST(ByteQueue, AFullQueueBlocksItsPusherUntilThereIsRoom) {
  ByteQueue<int> queue(10);
  ASSERT_TRUE(queue.Push(1, 6, {}));
  std::atomic<bool> pushed = false;
  auto pusher = Started([&] {
    EXPECT_TRUE(queue.Push(2, 6, {}));
    pushed = true;
  });
  EXPECT_EQ(pusher.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  EXPECT_FALSE(pushed);
  EXPECT_EQ(queue.Pop({}), 1);
  pusher.get();
  EXPECT_EQ(queue.Pop({}), 2);
}

TEST(ByteQueue, AValueLargerThanTheBoundPassesAlone) {
  ByteQueue<int> queue(10);
  ASSERT_TRUE(queue.Push(1, 1000, {}));
  auto pusher = Started([&] { return queue.Push(2, 1, {}); });
  EXPECT_EQ(pusher.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  EXPECT_EQ(queue.Pop({}), 1);
  EXPECT_TRUE(pusher.get());
}

TEST(ByteQueue, CloseLetsWhatIsInsideOutAndNothingIn) {
  ByteQueue<int> queue(10);
  ASSERT_TRUE(queue.Push(1, 1, {}));
  queue.Close();
  EXPECT_FALSE(queue.Push(2, 1, {}));
  EXPECT_EQ(queue.Pop({}), 1);
  EXPECT_EQ(queue.Pop({}), std::nullopt);
}

TEST(ByteQueue, CloseWakesBothSides) {
  ByteQueue<int> empty(10);
  auto popper = Started([&] { return empty.Pop({}); });
  empty.Close();
  EXPECT_EQ(popper.get(), std::nullopt);
  ByteQueue<int> full(1);
  ASSERT_TRUE(full.Push(1, 1, {}));
  auto pusher = Started([&] { return full.Push(2, 1, {}); });
  full.Close();
  EXPECT_FALSE(pusher.get());
}

TEST(ByteQueue, AStopWakesBothSidesAndIsToldBeforeAnythingElse) {
  std::stop_source stop;
  ByteQueue<int> empty(10);
  ByteQueue<int> full(1);
  ASSERT_TRUE(full.Push(1, 1, {}));
  auto popper = Started([&] { return empty.Pop(stop.get_token()); });
  auto pusher = Started([&] { return full.Push(2, 1, stop.get_token()); });
  stop.request_stop();
  EXPECT_EQ(popper.get(), std::nullopt);
  EXPECT_FALSE(pusher.get());
  EXPECT_FALSE(empty.Push(1, 1, stop.get_token()));
  EXPECT_EQ(full.Pop(stop.get_token()), std::nullopt);
  EXPECT_EQ(full.Pop({}), 1);
}

}  // namespace
}  // namespace bizond
