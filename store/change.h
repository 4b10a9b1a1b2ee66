// Change: what the functions of one write share; the tables' functions take it.
//
// Threads: the store's thread.
#ifndef BIZOND_STORE_CHANGE_H_
#define BIZOND_STORE_CHANGE_H_

#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/connection.h"
#include "store/history_link.h"

namespace bizond {

struct Change {
  Connection& db;
  HistoryLink& history;
  Clock& clock;
  const std::string& boot;  // Of this opening of the store.
  bool has_events = false;  // Set by AppendEvent; the listener is called after the commit.
};

// A refusal of the row's state; `what` is a sentence.
Failure Conflict(std::string what, std::string remedy = "");
Failure NotFound(std::string_view kind, std::string_view name, std::string remedy);

}  // namespace bizond

#endif  // BIZOND_STORE_CHANGE_H_
