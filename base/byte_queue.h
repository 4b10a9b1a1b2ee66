// ByteQueue: hands values from one thread to another, bounded by the bytes they hold.
//
// Push blocks while the value would take the queue over `max_bytes`; one value larger than the
// bound still passes, alone. Pop blocks while the queue is empty. Close ends it: what is inside can
// still be popped, a Push is refused. A stop wakes both sides, and refuses both from then on.
//
// Threads: one pusher and one popper, or more of either.
#ifndef BIZOND_BASE_BYTE_QUEUE_H_
#define BIZOND_BASE_BYTE_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace bizond {

template <typename T>
class ByteQueue {
 public:
  explicit ByteQueue(size_t max_bytes) : max_bytes_(max_bytes) {}

  // False when the queue was closed or a stop was asked for; the value is then dropped.
  bool Push(T value, size_t bytes, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    const bool woken = changed_.wait(
        lock, stop, [&] { return closed_ || bytes_ == 0 || bytes_ + bytes <= max_bytes_; });
    if (!woken || closed_ || stop.stop_requested()) return false;
    bytes_ += bytes;
    values_.emplace_back(std::move(value), bytes);
    changed_.notify_all();
    return true;
  }

  // nullopt when the queue is closed and empty, or a stop was asked for.
  std::optional<T> Pop(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return closed_ || !values_.empty(); }))
      return std::nullopt;
    if (values_.empty() || stop.stop_requested()) return std::nullopt;
    auto [value, bytes] = std::move(values_.front());
    values_.pop_front();
    bytes_ -= bytes;
    changed_.notify_all();
    return std::optional<T>(std::move(value));
  }

  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const size_t max_bytes_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_.
  std::deque<std::pair<T, size_t>> values_;
  size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace bizond

#endif  // BIZOND_BASE_BYTE_QUEUE_H_
