#include "store/store_state.h"

#include "base/log.h"

namespace bizond {

void StoreState::Report(const Error& error) {
  std::lock_guard lock(mutex_);
  if (error.code != "store_corrupt") {
    trouble_ = error;
    troubled_ = true;
    return;
  }
  if (damage_) return;  // The first one is the cause.
  damage_ = error;
  damaged_ = true;
  Log(LogLevel::kError, "store", Describe(error));
}

void StoreState::Committed() {
  if (!troubled_) return;
  std::lock_guard lock(mutex_);
  trouble_.reset();
  troubled_ = false;
}

std::optional<Error> StoreState::Damage() const {
  if (!damaged_) return std::nullopt;
  std::lock_guard lock(mutex_);
  return damage_;
}

std::optional<Error> StoreState::Problem() const {
  std::lock_guard lock(mutex_);
  return damage_ ? damage_ : trouble_;
}

}  // namespace bizond
