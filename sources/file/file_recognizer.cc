#include "sources/file/file_recognizer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "sources/file/byte_source.h"
#include "sources/file/file_change.h"
#include "sources/file/packed_twin.h"

namespace bizond {
namespace {

// One file of the list, while its mark is looked for.
struct Entry {
  const ListedFile* listed = nullptr;
  std::optional<size_t> mark;
  bool was_plain = false;
  bool left_out = false;
  // The mark that would be its own, and what speaks against it: an error, unless that mark's file
  // is found elsewhere.
  std::optional<size_t> lost;
  Error change;
  std::vector<size_t> begins_alike;
};

class Recognizer {
 public:
  Recognizer(const FileList& list, const FilePosition& position, const RecognizeOptions& options,
             std::stop_token stop)
      : list_(list), options_(options), stop_(std::move(stop)) {
    for (const auto* marks : {&position.gone, &position.files}) {
      for (const FileMark& mark : *marks) marks_.push_back(&mark);
    }
    taken_.assign(marks_.size(), false);
    for (size_t i = 0; i < marks_.size(); ++i) {
      by_inode_[marks_[i]->inode] = i;
      by_name_[marks_[i]->name] = i;
    }
    std::unordered_set<uint64_t> seen;
    for (const ListedFile& listed : list.files) {
      // A second name (a hard link) of a file is not read again.
      if (seen.insert(listed.info.inode).second) entries_.emplace_back().listed = &listed;
    }
  }

  Result<KnownFiles> Run() {
    for (Entry& entry : entries_) BIZOND_RETURN_IF_ERROR(FindByInode(&entry));
    for (Entry& entry : entries_) BIZOND_RETURN_IF_ERROR(FindByName(&entry));
    BIZOND_RETURN_IF_ERROR(LeaveOutCopies());
    BIZOND_RETURN_IF_ERROR(FindCompressed());
    KnownFiles known;
    for (const Entry& entry : entries_) {
      if (entry.left_out) continue;
      BIZOND_ASSIGN_OR_RETURN(KnownFile file, Outcome(entry));
      known.files.push_back(std::move(file));
    }
    for (size_t i = 0; i < marks_.size(); ++i) {
      const FileMark& mark = *marks_[i];
      if (taken_[i] || mark.offset == 0) continue;
      if (mark.unread > 0) return FileGone(PathOf(mark.name), mark.unread);
      known.gone.push_back(mark);
    }
    if (known.gone.size() > kGoneMax) {
      known.gone.erase(known.gone.begin(), known.gone.end() - kGoneMax);
    }
    return known;
  }

 private:
  std::string PathOf(std::string_view name) const { return (list_.root.path() / name).string(); }
  Result<File> Open(const Entry& entry) const {
    return list_.root.OpenFile(entry.listed->name, OpenMode::kRead);
  }
  void Take(Entry* entry, size_t mark) {
    entry->mark = mark;
    taken_[mark] = true;
  }
  static void Lose(Entry* entry, size_t mark, const Failure& change) {
    entry->lost = mark;
    entry->change = change.value();
  }

  Status FindByInode(Entry* entry) {
    const auto found = by_inode_.find(entry->listed->info.inode);
    if (found == by_inode_.end()) return {};
    const FileMark& mark = *marks_[found->second];
    const uint64_t size = entry->listed->info.size_bytes;
    // Under another name a file that does not match is a new one, to which the system gave the old
    // one's inode.
    const bool same_name = entry->listed->name == mark.name;
    if (options_.trust_sizes && same_name && size == mark.offset + mark.unread) {
      Take(entry, found->second);
      return {};
    }
    const std::string path = PathOf(entry->listed->name);
    if (size < mark.offset && !mark.compressed) {
      if (same_name) Lose(entry, found->second, FileTruncated(path, size, mark.offset));
      return {};
    }
    BIZOND_ASSIGN_OR_RETURN(const File file, Open(*entry));
    BIZOND_ASSIGN_OR_RETURN(bool same, BytesMatch(file, mark));
    if (mark.compressed) same = same && size == mark.offset;
    if (same) {
      Take(entry, found->second);
    } else if (same_name) {
      Lose(entry, found->second,
           mark.compressed ? CompressedFileChanged(path) : FileRewritten(path, mark.offset));
    }
    return {};
  }

  Status FindByName(Entry* entry) {
    if (entry->mark || entry->lost) return {};
    const auto found = by_name_.find(entry->listed->name);
    // Nothing was read of it, or it lives on under another name of the glob.
    if (found == by_name_.end() || marks_[found->second]->offset == 0 || taken_[found->second]) {
      return {};
    }
    const FileMark& mark = *marks_[found->second];
    const FileInfo& info = entry->listed->info;
    const std::string path = PathOf(entry->listed->name);
    if (!mark.compressed) {
      Lose(entry, found->second, FileRotated(path, mark.inode, info.inode));
      return {};
    }
    BIZOND_ASSIGN_OR_RETURN(const File file, Open(*entry));
    BIZOND_ASSIGN_OR_RETURN(const bool same, BytesMatch(file, mark));
    if (same && info.size_bytes == mark.offset) {
      Take(entry, found->second);
    } else {
      Lose(entry, found->second, CompressedFileChanged(path));
    }
    return {};
  }

  // A compressor keeps the plain file until its own is whole.
  Status LeaveOutCopies() {
    if (options_.trust_sizes) return {};
    std::unordered_map<std::string_view, const Entry*> plain;
    for (const Entry& entry : entries_) {
      if (entry.mark && !marks_[*entry.mark]->compressed) plain[entry.listed->name] = &entry;
    }
    for (Entry& entry : entries_) {
      const std::string_view name = entry.listed->name;
      if (entry.mark || !(name.ends_with(".gz") || name.ends_with(".zst"))) continue;
      const auto original = plain.find(name.substr(0, name.rfind('.')));
      if (original == plain.end()) continue;
      BIZOND_ASSIGN_OR_RETURN(const File packed, Open(entry));
      BIZOND_ASSIGN_OR_RETURN(const Compression compression, CompressionOf(packed));
      if (compression == Compression::kNone) continue;
      BIZOND_ASSIGN_OR_RETURN(const File file, Open(*original->second));
      BIZOND_ASSIGN_OR_RETURN(
          entry.left_out, IsCopy(file, packed, compression, entry.listed->info.size_bytes, stop_));
    }
    return {};
  }

  Result<Compression> CompressionOf(const File& file) const {
    if (options_.compression != Compression::kAuto) return options_.compression;
    return DetectCompression(file);
  }

  // Pairs the marks of plain files that are gone with compressed files that are not known.
  Status FindCompressed() {
    std::vector<const FileMark*> gone;
    std::unordered_map<const FileMark*, size_t> index;
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (taken_[i] || marks_[i]->compressed || marks_[i]->offset == 0) continue;
      gone.push_back(marks_[i]);
      index[marks_[i]] = i;
    }
    if (gone.empty()) return {};
    std::unordered_map<const FileMark*, std::vector<Entry*>> candidates;
    for (Entry& entry : entries_) {
      if (entry.mark || entry.left_out || entry.listed->info.size_bytes == 0) continue;
      BIZOND_ASSIGN_OR_RETURN(const File file, Open(entry));
      BIZOND_ASSIGN_OR_RETURN(const Compression compression, CompressionOf(file));
      if (compression == Compression::kNone) continue;
      BIZOND_ASSIGN_OR_RETURN(
          const Likeness likeness,
          CompareWithMarks(file, compression, entry.listed->info.size_bytes, gone, stop_));
      for (const FileMark* mark : likeness.same) candidates[mark].push_back(&entry);
      for (const FileMark* mark : likeness.begins_alike) {
        entry.begins_alike.push_back(index[mark]);
      }
    }
    // The files that hold a longer beginning are some of those that hold a shorter one of the same
    // content: pairing the longest first leaves no mark without a file that could have had one.
    std::reverse(gone.begin(), gone.end());
    std::stable_sort(gone.begin(), gone.end(),
                     [](const FileMark* a, const FileMark* b) { return a->offset > b->offset; });
    for (const FileMark* mark : gone) {
      Entry* chosen = nullptr;
      for (Entry* entry : candidates[mark]) {
        if (entry->mark) continue;
        const bool named_after = entry->listed->name.starts_with(mark->name + '.');
        if (chosen == nullptr || named_after) chosen = entry;
        if (named_after) break;
      }
      if (chosen == nullptr) continue;
      Take(chosen, index[mark]);
      chosen->was_plain = true;
    }
    return {};
  }

  Result<KnownFile> Outcome(const Entry& entry) const {
    KnownFile known{*entry.listed, FileMark(), entry.mark, entry.was_plain};
    if (entry.mark) {
      known.mark = *marks_[*entry.mark];
    } else {
      if (entry.lost && !taken_[*entry.lost]) return tl::make_unexpected(entry.change);
      for (const size_t mark : entry.begins_alike) {
        if (taken_[mark]) continue;
        return CompressedFileDiffers(PathOf(entry.listed->name), marks_[mark]->name,
                                     marks_[mark]->offset);
      }
    }
    known.mark.name = entry.listed->name;
    known.mark.inode = entry.listed->info.inode;
    if (!entry.was_plain) return known;
    known.mark.compressed = true;
    known.mark.decoded = std::exchange(known.mark.offset, entry.listed->info.size_bytes);
    known.mark.unread = 0;
    BIZOND_ASSIGN_OR_RETURN(const File file, Open(entry));
    BIZOND_ASSIGN_OR_RETURN(known.mark, MarkFile(file, std::move(known.mark)));
    return known;
  }

  const FileList& list_;
  const RecognizeOptions options_;
  const std::stop_token stop_;
  std::vector<const FileMark*> marks_;  // Those of `gone`, then of `files`.
  std::vector<bool> taken_;             // Whether the mark's file is there.
  std::unordered_map<uint64_t, size_t> by_inode_;
  std::unordered_map<std::string_view, size_t> by_name_;
  std::vector<Entry> entries_;
};

}  // namespace

Result<KnownFiles> RecognizeFiles(const FileList& list, const FilePosition& position,
                                  const RecognizeOptions& options, std::stop_token stop) {
  return Recognizer(list, position, options, std::move(stop)).Run();
}

}  // namespace bizond
