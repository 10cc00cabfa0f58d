"""What a shell gets beside shtab's script: programs where verbs stand, and what is behind them.

Each shell finds the program by the rule of `split` in parser.py. `files` is how it completes what
can be run or shown, `values` are the options that take a value, `verbs` all verbs, and `running`
those that take a program.
"""

from __future__ import annotations

_BEHIND = """
_buildtrace_is_among() { # the first of these words is one of the others
  local word=$1
  shift
  case " $* " in *" $word "*) return 0 ;; esac
  return 1
}

# The last of these words, at the cursor, stands behind a program: it is an argument of that.
_buildtrace_is_behind() {
  local word verb=""
  while [ $# -gt 1 ]; do
    word=$1
    shift
    case $word in
      --) return 0 ;;
      -m) [ $# -gt 1 ] && return 0 || return 1 ;;
      -m*) return 0 ;;
      =) shift ;; # bash takes --option=value for three words
      -*) _buildtrace_is_among "$word" %(values)s && shift ;;
      *)
        [ -n "$verb" ] && return 0
        _buildtrace_is_among "$word" %(verbs)s || return 0
        verb=$word
        _buildtrace_is_among "$verb" %(running)s || return 1 ;;
    esac
  done
  return 1
}
"""

_BASH = """
_buildtrace() {
  if _buildtrace_is_behind "${COMP_WORDS[@]:1:COMP_CWORD}"; then
    COMPREPLY=() # what is complete by default: files
  else
    _shtab_buildtrace "$@"
  fi
}

complete -o bashdefault -o default -F _buildtrace buildtrace
"""

_ZSH = """
functions -c _shtab_buildtrace _buildtrace_options
functions -c _shtab_buildtrace_commands _buildtrace_verbs
_shtab_buildtrace_commands() {
  _buildtrace_verbs
  %(files)s
}
_shtab_buildtrace() {
  if _buildtrace_is_behind "${(@)words[2,CURRENT]}"; then
    _files
  else
    _buildtrace_options "$@"
  fi
}
"""

_FISH = """
function _buildtrace_is_behind
  contains -- "$_shtab_buildtrace_cmdpath" '' %(running)s
  and begin
    test $_shtab_buildtrace_npos -ge 1
    or string match -qr -- ' -m *\\S+ ' (commandline -cp)
  end
end

function _shtab_buildtrace_using
  _shtab_buildtrace_scan
  test "$_shtab_buildtrace_cmdpath" = "$argv"
  and not _buildtrace_is_behind
end

complete -c buildtrace -n '_shtab_buildtrace_using' -ka "%(files)s"
complete -c buildtrace -n '_shtab_buildtrace_scan; and _buildtrace_is_behind' -F
"""

AROUND = {
    "bash": ("_shtab_buildtrace_pos_0_COMPGEN=%(files)s", f"{_BEHIND}{_BASH}"),
    "zsh": (f"{_BEHIND}{_ZSH}", ""),
    "fish": ("", _FISH),
}
"""Shell → what comes before shtab's last lines, and what comes after them."""
