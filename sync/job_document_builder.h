// DocumentBuilder: values and their places from a parser's events.
//
// Threads: one thread at a time.
#ifndef BIZOND_SYNC_JOB_DOCUMENT_BUILDER_H_
#define BIZOND_SYNC_JOB_DOCUMENT_BUILDER_H_

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sync/job_document.h"

namespace bizond {

// Thrown when reading cannot go on; the issue is in the list already. Stays inside the room.
struct DocumentRefused {};

class DocumentBuilder {
 public:
  explicit DocumentBuilder(std::vector<JobIssue>* issues) : issues_(issues) {}

  // `anchor` 0: none. Where a key is expected, Scalar's text is the key.
  bool ExpectsKey() const;
  void Key(std::string_view text, Position at, bool plain);
  void Value(nlohmann::json value, size_t bytes, Position at, size_t anchor = 0);
  void StartMap(Position at, size_t anchor = 0);
  void StartList(Position at, size_t anchor = 0);
  void End();
  void Alias(size_t anchor, Position at);
  // Reports and stops.
  [[noreturn]] void Refuse(Position at, std::string message, std::string remedy);

  bool done() const { return done_; }
  nlohmann::json TakeValue() { return std::move(root_.value); }
  MarkNode TakeMarks() { return std::move(root_.marks); }

 private:
  // A finished value and what it weighs when an alias repeats it.
  struct Built {
    nlohmann::json value;
    MarkNode marks;
    size_t bytes = 0;
    size_t values = 1;
    size_t height = 1;
  };
  struct Frame {
    Built built;
    size_t anchor = 0;
    bool is_map = false;
    bool has_key = false;
    bool merge = false;  // The key is a plain <<.
    bool duplicate = false;
    std::string key;
    Position key_at;
    std::vector<Built> merges;
    Position merge_at;
  };

  void Start(bool is_map, Position at, size_t anchor);
  void Add(Built built, size_t anchor);
  void AddToMap(Frame* frame, Built built);
  void ApplyMerges(Frame* frame);
  void MergeInto(Frame* frame, const nlohmann::json& from);
  void Issue(Position at, std::string path, std::string message, std::string remedy);
  JobPath CurrentPath() const;

  std::vector<JobIssue>* issues_;
  std::vector<Frame> frames_;
  std::map<size_t, Built> anchors_;
  Built root_;
  bool done_ = false;
  size_t values_ = 0;
  size_t expanded_bytes_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_DOCUMENT_BUILDER_H_
