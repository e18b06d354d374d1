#include "program.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <stdexcept>

namespace painnless::cuda {
namespace {

constexpr size_t portable_shared_bytes = 48 << 10;  // more has to be allowed, kernel by kernel

/// 128 bits of FNV-1a twice over: enough to tell texts apart that nobody chose to collide.
std::string hash(const std::string& text) {
  uint64_t a = 0xCBF29CE484222325ull, b = 0x84222325CBF29CE4ull;
  for (const unsigned char c : text) {
    a = (a ^ c) * 0x100000001B3ull;
    b = (b ^ c) * 0x10000000233ull;
    b ^= b >> 29;
  }
  char out[33];
  std::snprintf(out, sizeof out, "%016llx%016llx", static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
  return out;
}

/// Everything that a binary depends on.
std::string key_of(const Source& source, const Compiler& compiler, int architecture) {
  static const std::string texts = [] {
    std::string all;
    for (const Text& text : kernel_texts()) all += text.name + "\n" + text.text + "\n";
    return hash(all);
  }();
  std::string key = compiler.identity() + "\nsm_" + std::to_string(architecture) + "\n" + source.main + "\n";
  for (const std::string& option : source.options) key += option + "\n";
  return key + texts;
}

/// The text of that name, and those that it includes, each once.
void gather(const std::string& name, std::map<std::string, std::string>& texts) {
  const auto found = std::find_if(kernel_texts().begin(), kernel_texts().end(), [&](const Text& text) { return text.name == name; });
  if (found == kernel_texts().end() || !texts.emplace(name, found->text).second) return;
  constexpr std::string_view include = "#include \"";
  for (size_t at = found->text.find(include); at != std::string::npos; at = found->text.find(include, at)) {
    at += include.size();
    gather(found->text.substr(at, found->text.find('"', at) - at), texts);
  }
}

}  // namespace

std::string code_key(const Source& source, int architecture) {
  std::map<std::string, std::string> texts;
  gather(source.main, texts);
  std::string key = "sm_" + std::to_string(architecture) + "\n" + source.main + "\n";
  for (const std::string& option : source.options) key += option + "\n";
  for (const auto& [name, text] : texts) key += name + "\n" + text + "\n";
  return hash(key);
}

std::string DiskCache::path_of(const std::string& key) const { return folder_ + "/" + hash(key) + ".kernels"; }

std::string DiskCache::find(const std::string& key) const {
  if (folder_.empty()) return "";
  std::ostringstream read;
  std::ifstream file(path_of(key), std::ios::binary);
  read << file.rdbuf();  // of what cannot be read, a folder say, nothing, or what could be
  const std::string all = read.str();
  const std::string checks = hash(key) + "x";  // of the key, and of what follows it
  if (all.size() < 64 || all.compare(0, 32, checks, 0, 32) != 0) return "";
  const std::string binary = all.substr(64);
  return all.compare(32, 32, hash(binary)) == 0 ? binary : "";
}

void DiskCache::keep(const std::string& key, const std::string& binary) const {
  if (folder_.empty()) return;
  static std::atomic<int> counter{0};
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  const std::string path = path_of(key), own = path + "." + std::to_string(getpid()) + "." + std::to_string(counter++);
  bool written;
  {
    std::ofstream file(own, std::ios::binary);
    file << hash(key) << hash(binary) << binary;
    written = static_cast<bool>(file.flush());
  }
  if (written) std::filesystem::rename(own, path, failed);
  if (!written || failed) std::filesystem::remove(own, failed);
}

std::vector<Compiled> compile_all(const Compiler& compiler, const std::vector<Source>& sources, int architecture) {
  std::vector<std::future<Compiled>> compiling;
  for (const Source& source : sources)
    compiling.push_back(std::async(std::launch::async, [&] { return compiler.compile(source.main, kernel_texts(), source.options, architecture); }));
  std::vector<Compiled> compiled;
  for (auto& each : compiling) compiled.push_back(each.get());
  return compiled;
}

Programs::Programs(Device& device, const Compiler& compiler, const DiskCache& cache, const std::vector<Source>& sources, bool early)
    : device_(device), early_(early && device.info().early_launches) {
  const int architecture = device.info().architecture;
  std::vector<std::string> keys, binaries;
  std::vector<Source> missing;
  for (const Source& source : sources) {
    keys.push_back(key_of(source, compiler, architecture));
    binaries.push_back(cache.find(keys.back()));
    if (binaries.back().empty()) missing.push_back(source);
  }
  compilations_ = static_cast<int>(missing.size());
  auto compiled = compile_all(compiler, missing, architecture);
  auto next = compiled.begin();
  for (size_t s = 0; s < sources.size(); s++) {
    if (binaries[s].empty()) {
      binaries[s] = std::move((next++)->binary);
      cache.keep(keys[s], binaries[s]);
    }
    modules_.push_back(device.load(binaries[s]));
    for (const char* name : sources[s].kernels) entries_[name] = {modules_.back()->kernel(name), portable_shared_bytes};
  }
}

void* Programs::handle(const char* name, size_t shared_bytes) {
  const auto known = entries_.find(name);
  if (known == entries_.end()) throw std::runtime_error(std::string("no kernel ") + name + " was compiled");
  Entry& entry = known->second;
  if (shared_bytes > entry.shared_bytes) {
    device_.allow_shared(entry.handle, shared_bytes);
    entry.shared_bytes = shared_bytes;
  }
  return entry.handle;
}

unsigned Programs::resident_blocks(const char* name, unsigned blocks, int threads, size_t shared_bytes) {
  const int each = device_.resident_blocks(handle(name, shared_bytes), threads, shared_bytes);
  if (each < 1) throw std::runtime_error(std::string("kernel ") + name + " does not fit on this card");
  return std::min(blocks, static_cast<unsigned>(each * device_.info().multiprocessors));
}

}  // namespace painnless::cuda
