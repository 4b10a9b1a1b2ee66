// PlainSecrets: secrets that a file's job holds in plain, in memory only.
//
// Threads: any.
#ifndef BIZOND_SCHEDULER_PLAIN_SECRETS_H_
#define BIZOND_SCHEDULER_PLAIN_SECRETS_H_

#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace bizond {

class PlainSecrets {
 public:
  // By reference, see JobSpec::plain_secrets.
  using Values = std::map<std::string, std::string>;

  void Set(std::string_view job, Values values) {
    std::lock_guard lock(mutex_);
    values_[std::string(job)] = std::move(values);
  }
  Values Get(std::string_view job) const {
    std::lock_guard lock(mutex_);
    const auto found = values_.find(std::string(job));
    return found == values_.end() ? Values() : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Values> values_;  // Guarded by mutex_.
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_PLAIN_SECRETS_H_
