// SPDX-License-Identifier: Apache-2.0
#include "protocols/redis/commands.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace subfloor::protocols::redis {
namespace {

// Of Redis 8 and Valkey 8, Sentinel, and the modules that Redis comes with; by where their keys stand.
struct Group {
  Keys keys;
  std::string_view names;  // separated by commas
};
constexpr Group groups[] = {
    {{.number = 1}, "LMPOP,SINTERCARD,ZDIFF,ZINTER,ZINTERCARD,ZMPOP,ZUNION"},
    {{.number = 2}, "BLMPOP,BZMPOP,EVAL,EVALSHA,EVALSHA_RO,EVAL_RO,FCALL,FCALL_RO"},
    {{},
     "ACL,ACL CAT,ACL DELUSER,ACL DRYRUN,ACL GENPASS,ACL GETUSER,ACL HELP,ACL LIST,ACL LOAD,ACL LOG,ACL SAVE,"
     "ACL SETUSER,ACL USERS,ACL WHOAMI,ASKING,AUTH,BGREWRITEAOF,BGSAVE,CLIENT,CLIENT CACHING,CLIENT CAPA,"
     "CLIENT GETNAME,CLIENT GETREDIR,CLIENT HELP,CLIENT ID,CLIENT IMPORT-SOURCE,CLIENT INFO,CLIENT KILL,"
     "CLIENT LIST,CLIENT NO-EVICT,CLIENT PAUSE,CLIENT REPLY,CLIENT SETINFO,CLIENT SETNAME,CLIENT TRACKING,"
     "CLIENT TRACKINGINFO,CLIENT UNBLOCK,CLIENT UNPAUSE,CLUSTER,CLUSTER ADDSLOTS,CLUSTER ADDSLOTSRANGE,"
     "CLUSTER BUMPEPOCH,CLUSTER COUNT-FAILURE-REPORTS,CLUSTER COUNTKEYSINSLOT,CLUSTER DELSLOTS,"
     "CLUSTER DELSLOTSRANGE,CLUSTER FAILOVER,CLUSTER FLUSHSLOTS,CLUSTER FORGET,CLUSTER GETKEYSINSLOT,"
     "CLUSTER HELP,CLUSTER INFO,CLUSTER KEYSLOT,CLUSTER LINKS,CLUSTER MEET,CLUSTER MIGRATION,CLUSTER MYID,"
     "CLUSTER MYSHARDID,CLUSTER NODES,CLUSTER REPLICAS,CLUSTER REPLICATE,CLUSTER RESET,CLUSTER SAVECONFIG,"
     "CLUSTER SET-CONFIG-EPOCH,CLUSTER SETSLOT,CLUSTER SHARDS,CLUSTER SLAVES,CLUSTER SLOT-STATS,CLUSTER SLOTS,"
     "CLUSTER SYNCSLOTS,COMMAND,COMMAND COUNT,COMMAND DOCS,COMMAND GETKEYS,COMMAND GETKEYSANDFLAGS,"
     "COMMAND HELP,COMMAND INFO,COMMAND LIST,COMMANDLOG,COMMANDLOG GET,COMMANDLOG HELP,COMMANDLOG LEN,"
     "COMMANDLOG RESET,CONFIG,CONFIG GET,CONFIG HELP,CONFIG RESETSTAT,CONFIG REWRITE,CONFIG SET,DBSIZE,DEBUG,"
     "DISCARD,ECHO,EXEC,FAILOVER,FLUSHALL,FLUSHDB,FT.AGGREGATE,FT.ALIASADD,FT.ALIASDEL,FT.ALIASUPDATE,"
     "FT.ALTER,FT.CONFIG,FT.CREATE,FT.CURSOR,FT.DICTADD,FT.DICTDEL,FT.DICTDUMP,FT.DROPINDEX,FT.EXPLAIN,"
     "FT.EXPLAINCLI,FT.HYBRID,FT.INFO,FT.PROFILE,FT.SEARCH,FT.SPELLCHECK,FT.SUGADD,FT.SUGDEL,FT.SUGGET,"
     "FT.SUGLEN,FT.SYNDUMP,FT.SYNUPDATE,FT.TAGVALS,FT._LIST,FUNCTION,FUNCTION DELETE,FUNCTION DUMP,"
     "FUNCTION FLUSH,FUNCTION HELP,FUNCTION KILL,FUNCTION LIST,FUNCTION LOAD,FUNCTION RESTORE,FUNCTION STATS,"
     "HELLO,HOTKEYS,INFO,JSON.DEBUG,KEYS,LASTSAVE,LATENCY,LATENCY DOCTOR,LATENCY GRAPH,LATENCY HELP,"
     "LATENCY HISTOGRAM,LATENCY HISTORY,LATENCY LATEST,LATENCY RESET,LOLWUT,MEMORY,MEMORY DOCTOR,MEMORY HELP,"
     "MEMORY MALLOC-STATS,MEMORY PURGE,MEMORY STATS,MODULE,MODULE HELP,MODULE LIST,MODULE LOAD,MODULE LOADEX,"
     "MODULE UNLOAD,MONITOR,MULTI,OBJECT,OBJECT HELP,PFSELFTEST,PING,PSUBSCRIBE,PSYNC,PUBLISH,PUBSUB,"
     "PUBSUB CHANNELS,PUBSUB HELP,PUBSUB NUMPAT,PUBSUB NUMSUB,PUBSUB SHARDCHANNELS,PUBSUB SHARDNUMSUB,"
     "PUNSUBSCRIBE,QUIT,RANDOMKEY,READONLY,READWRITE,REPLCONF,REPLICAOF,RESET,ROLE,SAVE,SCAN,SCRIPT,"
     "SCRIPT DEBUG,SCRIPT EXISTS,SCRIPT FLUSH,SCRIPT HELP,SCRIPT KILL,SCRIPT LOAD,SELECT,SENTINEL,"
     "SENTINEL CKQUORUM,SENTINEL CONFIG,SENTINEL DEBUG,SENTINEL FAILOVER,SENTINEL FLUSHCONFIG,"
     "SENTINEL GET-MASTER-ADDR-BY-NAME,SENTINEL GET-PRIMARY-ADDR-BY-NAME,SENTINEL HELP,SENTINEL INFO-CACHE,"
     "SENTINEL IS-MASTER-DOWN-BY-ADDR,SENTINEL MASTER,SENTINEL MASTERS,SENTINEL MONITOR,SENTINEL MYID,"
     "SENTINEL PENDING-SCRIPTS,SENTINEL PRIMARIES,SENTINEL PRIMARY,SENTINEL REMOVE,SENTINEL REPLICAS,"
     "SENTINEL RESET,SENTINEL SENTINELS,SENTINEL SET,SENTINEL SIMULATE-FAILURE,SENTINEL SLAVES,SHUTDOWN,"
     "SLAVEOF,SLOWLOG,SLOWLOG GET,SLOWLOG HELP,SLOWLOG LEN,SLOWLOG RESET,SSUBSCRIBE,SUBSCRIBE,SUNSUBSCRIBE,"
     "SWAPDB,SYNC,TIME,TS.MGET,TS.MRANGE,TS.MREVRANGE,TS.QUERYINDEX,UNSUBSCRIBE,UNWATCH,WAIT,XGROUP,"
     "XGROUP HELP,XINFO,XINFO HELP,XREAD,XREADGROUP"},
    {{.first = 1}, "GEORADIUS,GEORADIUSBYMEMBER,SORT,SORT_RO,ZDIFFSTORE,ZINTERSTORE,ZUNIONSTORE"},
    {{.first = 3}, "MIGRATE"},
    {{1, -1, 1},
     "DEL,EXISTS,MGET,PFCOUNT,PFMERGE,SDIFF,SDIFFSTORE,SINTER,SINTERSTORE,SUNION,SUNIONSTORE,TOUCH,UNLINK,"
     "WATCH"},
    {{1, -1, 2}, "MSET,MSETNX"},
    {{1, -1, 3}, "JSON.MSET,TS.MADD"},
    {{1, -2, 1}, "BLPOP,BRPOP,BZPOPMAX,BZPOPMIN,JSON.MGET"},
    {{1, 1, 1},
     "APPEND,BF.ADD,BF.CARD,BF.EXISTS,BF.INFO,BF.INSERT,BF.LOADCHUNK,BF.MADD,BF.MEXISTS,BF.RESERVE,"
     "BF.SCANDUMP,BITCOUNT,BITFIELD,BITFIELD_RO,BITPOS,CF.ADD,CF.ADDNX,CF.COUNT,CF.DEL,CF.EXISTS,CF.INFO,"
     "CF.INSERT,CF.INSERTNX,CF.MEXISTS,CF.RESERVE,CMS.INCRBY,CMS.INFO,CMS.INITBYDIM,CMS.INITBYPROB,CMS.QUERY,"
     "DECR,DECRBY,DELEX,DELIFEQ,DIGEST,DUMP,EXPIRE,EXPIREAT,EXPIRETIME,GEOADD,GEODIST,GEOHASH,GEOPOS,"
     "GEORADIUSBYMEMBER_RO,GEORADIUS_RO,GEOSEARCH,GET,GETBIT,GETDEL,GETEX,GETRANGE,GETSET,HDEL,HEXISTS,"
     "HEXPIRE,HEXPIREAT,HEXPIRETIME,HGET,HGETALL,HGETDEL,HGETEX,HINCRBY,HINCRBYFLOAT,HKEYS,HLEN,HMGET,HMSET,"
     "HPERSIST,HPEXPIRE,HPEXPIREAT,HPEXPIRETIME,HPTTL,HRANDFIELD,HSCAN,HSET,HSETEX,HSETNX,HSTRLEN,HTTL,HVALS,"
     "INCR,INCRBY,INCRBYFLOAT,JSON.ARRAPPEND,JSON.ARRINDEX,JSON.ARRINSERT,JSON.ARRLEN,JSON.ARRPOP,"
     "JSON.ARRTRIM,JSON.CLEAR,JSON.DEL,JSON.FORGET,JSON.GET,JSON.MERGE,JSON.NUMINCRBY,JSON.NUMMULTBY,"
     "JSON.OBJKEYS,JSON.OBJLEN,JSON.RESP,JSON.SET,JSON.STRAPPEND,JSON.STRLEN,JSON.TOGGLE,JSON.TYPE,LINDEX,"
     "LINSERT,LLEN,LPOP,LPOS,LPUSH,LPUSHX,LRANGE,LREM,LSET,LTRIM,MOVE,PERSIST,PEXPIRE,PEXPIREAT,PEXPIRETIME,"
     "PFADD,PSETEX,PTTL,RESTORE,RESTORE-ASKING,RPOP,RPUSH,RPUSHX,SADD,SCARD,SET,SETBIT,SETEX,SETNX,SETRANGE,"
     "SISMEMBER,SMEMBERS,SMISMEMBER,SPOP,SPUBLISH,SRANDMEMBER,SREM,SSCAN,STRLEN,SUBSTR,TDIGEST.ADD,"
     "TDIGEST.BYRANK,TDIGEST.CDF,TDIGEST.CREATE,TDIGEST.INFO,TDIGEST.MAX,TDIGEST.MIN,TDIGEST.QUANTILE,"
     "TDIGEST.RANK,TDIGEST.RESET,TOPK.ADD,TOPK.COUNT,TOPK.INCRBY,TOPK.INFO,TOPK.LIST,TOPK.QUERY,TOPK.RESERVE,"
     "TS.ADD,TS.ALTER,TS.CREATE,TS.DECRBY,TS.DEL,TS.GET,TS.INCRBY,TS.INFO,TS.RANGE,TS.REVRANGE,TTL,TYPE,VADD,"
     "VCARD,VDIM,VEMB,VGETATTR,VINFO,VISMEMBER,VLINKS,VRANDMEMBER,VRANGE,VREM,VSETATTR,VSIM,XACK,XACKDEL,XADD,"
     "XAUTOCLAIM,XCFGSET,XCLAIM,XDEL,XDELEX,XLEN,XPENDING,XRANGE,XREVRANGE,XSETID,XTRIM,ZADD,ZCARD,ZCOUNT,"
     "ZINCRBY,ZLEXCOUNT,ZMSCORE,ZPOPMAX,ZPOPMIN,ZRANDMEMBER,ZRANGE,ZRANGEBYLEX,ZRANGEBYSCORE,ZRANK,ZREM,"
     "ZREMRANGEBYLEX,ZREMRANGEBYRANK,ZREMRANGEBYSCORE,ZREVRANGE,ZREVRANGEBYLEX,ZREVRANGEBYSCORE,ZREVRANK,"
     "ZSCAN,ZSCORE"},
    {{1, 2, 1},
     "BLMOVE,BRPOPLPUSH,COPY,GEOSEARCHSTORE,LCS,LMOVE,RENAME,RENAMENX,RPOPLPUSH,SMOVE,TS.CREATERULE,"
     "TS.DELETERULE,ZRANGESTORE"},
    {{2, -1, 1}, "BITOP"},
    {{2, 2, 1},
     "MEMORY USAGE,OBJECT ENCODING,OBJECT FREQ,OBJECT IDLETIME,OBJECT REFCOUNT,PFDEBUG,XGROUP CREATE,"
     "XGROUP CREATECONSUMER,XGROUP DELCONSUMER,XGROUP DESTROY,XGROUP SETID,XINFO CONSUMERS,XINFO GROUPS,"
     "XINFO STREAM"},
};

struct Special {
  std::string_view name;
  Effect effect;
};
constexpr Special specials[] = {
    {"ACL", Effect::container},
    {"CLIENT", Effect::container},
    {"CLUSTER", Effect::container},
    {"COMMAND", Effect::container},
    {"COMMANDLOG", Effect::container},
    {"CONFIG", Effect::container},
    {"FUNCTION", Effect::container},
    {"LATENCY", Effect::container},
    {"MEMORY", Effect::container},
    {"MODULE", Effect::container},
    {"OBJECT", Effect::container},
    {"PUBSUB", Effect::container},
    {"SCRIPT", Effect::container},
    {"SENTINEL", Effect::container},
    {"SLOWLOG", Effect::container},
    {"XGROUP", Effect::container},
    {"XINFO", Effect::container},
    {"SELECT", Effect::select},
    {"CLIENT REPLY", Effect::client_reply},
    {"SUBSCRIBE", Effect::subscribe},
    {"PSUBSCRIBE", Effect::subscribe},
    {"SSUBSCRIBE", Effect::subscribe},
    {"UNSUBSCRIBE", Effect::unsubscribe},
    {"PUNSUBSCRIBE", Effect::unsubscribe},
    {"SUNSUBSCRIBE", Effect::unsubscribe},
    {"MONITOR", Effect::monitor},
    {"SYNC", Effect::sync},
    {"PSYNC", Effect::sync},
    {"RESET", Effect::reset},
    {"EXEC", Effect::exec},
    {"DISCARD", Effect::discard},
};

constexpr std::size_t count_names() {
  std::size_t count = 0;
  for (const Group& group : groups) count += 1 + std::size_t(std::count(group.names.begin(), group.names.end(), ','));
  return count;
}

constexpr auto commands = [] {
  std::array<Command, count_names()> table;
  std::size_t at = 0;
  for (const Group& group : groups) {
    for (std::string_view rest = group.names; !rest.empty();) {
      const std::string_view name = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), name.size() + 1));
      const auto* const special = std::find_if(std::begin(specials), std::end(specials),
                                               [&](const Special& each) { return each.name == name; });
      table[at++] = {name, group.keys, special == std::end(specials) ? Effect::none : special->effect};
    }
  }
  return table;
}();

static_assert(std::all_of(commands.begin(), commands.end(),
                          [](const Command& each) { return each.name.size() <= longest_name; }));

constexpr std::size_t hash_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash ^ (hash >> 15);
}

// Open addressing; 0 is a free place, else the index and one.
constexpr std::size_t slots = 2048;
static_assert(slots >= 3 * commands.size());
constexpr auto index = [] {
  std::array<std::uint16_t, slots> table{};
  for (std::size_t i = 0; i < commands.size(); ++i) {
    std::size_t slot = hash_of(commands[i].name) % slots;
    while (table[slot] != 0) slot = (slot + 1) % slots;
    table[slot] = static_cast<std::uint16_t>(i + 1);
  }
  return table;
}();

constexpr Command other{"_OTHER"};

const Command* find_upper(std::string_view name) {
  for (std::size_t slot = hash_of(name) % slots; index[slot] != 0; slot = (slot + 1) % slots) {
    const Command& command = commands[index[slot] - 1U];
    if (command.name == name) return &command;
  }
  return nullptr;
}

// The name in upper case, behind what is in the buffer; its end.
char* append_upper(char* to, std::string_view name) {
  for (const char c : name) *to++ = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return to;
}

}  // namespace

const Command* find_command(std::string_view name) {
  std::array<char, longest_name> upper;
  if (name.empty() || name.size() > upper.size() || name.find(' ') != name.npos) return nullptr;
  return find_upper({upper.data(), append_upper(upper.data(), name)});
}

const Command* find_subcommand(const Command& container, std::string_view name) {
  std::array<char, longest_name> upper;
  if (container.name.size() + 1 + name.size() > upper.size()) return &container;
  char* const word = std::copy(container.name.begin(), container.name.end(), upper.data());
  *word = ' ';
  const Command* const found = find_upper({upper.data(), append_upper(word + 1, name)});
  return found != nullptr ? found : &container;
}

const Command& other_command() { return other; }

std::optional<std::uint32_t> key_count(const Keys& keys, std::uint64_t arguments) {
  if (keys.number != 0 || (keys.first != 0 && keys.step == 0)) return std::nullopt;
  if (keys.first == 0) return 0;
  const std::int64_t last = keys.last < 0 ? static_cast<std::int64_t>(arguments) + keys.last : keys.last;
  if (last < keys.first || last >= static_cast<std::int64_t>(arguments)) return 0;
  const std::int64_t steps = last - keys.first;
  return static_cast<std::uint32_t>((keys.step == 1 ? steps : steps / keys.step) + 1);
}

}  // namespace subfloor::protocols::redis
