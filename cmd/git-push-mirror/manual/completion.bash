# bash completion of git-push-mirror and, through git's own, of git push-mirror.
# Made by "git-push-mirror generate".

# __git_push_mirror_offer offers the lines of its input that begin with what was typed. They are
# never evaluated: a branch may be called $(reboot).
__git_push_mirror_offer ()
{
	local line
	if [ "$through_git" ]; then
		__gitcomp_nl "$(cat)" '' "$cur"
		return
	fi
	while IFS= read -r line; do
		case $line in
		"$cur"*) COMPREPLY+=("$(printf %q "$line")") ;;
		esac
	done
}

__git_push_mirror_words ()
{
	__git_push_mirror_offer < <(printf '%s\n' "$@")
}

__git_push_mirror_directories ()
{
	local IFS=$'\n'
	compopt -o filenames 2>/dev/null
	# shellcheck disable=SC2207
	COMPREPLY=($(compgen -d -- "$cur"))
}

# __git_push_mirror_git runs git in the repository that the words name.
__git_push_mirror_git ()
{
	if [ "$through_git" ]; then
		__git "${where[@]}" "$@"
	else
		git "${where[@]}" "$@" 2>/dev/null
	fi
}

__git_push_mirror_remotes ()
{
	__git_push_mirror_offer < <(__git_push_mirror_git push-mirror remote-names)
}

__git_push_mirror_refs ()
{
	local under
	local -a patterns=()
	for under in refs/heads refs/tags; do
		patterns+=("$under/$cur*" "$under/$cur*/**")
	done
	__git_push_mirror_offer < <(__git_push_mirror_git for-each-ref --format='%(refname:strip=2)' "${patterns[@]}")
}

# __git_push_mirror_keys offers keys, and leaves the cursor behind the = for the value.
__git_push_mirror_keys ()
{
	if [ "$through_git" ]; then
		__gitcomp_nl "$(printf '%s\n' <<keys>>)" '' "$cur" ''
		return
	fi
	compopt -o nospace 2>/dev/null
	__git_push_mirror_words <<keys>>
}

# __git_push_mirror_arguments offers what a command takes, or refs after the flag $2.
__git_push_mirror_arguments ()
{
	if [ "$2" ] && [ "$flag" = "$2" ]; then
		__git_push_mirror_refs
		return
	fi
	case $1 in
	REMOTE) __git_push_mirror_remotes ;;
	DIR) __git_push_mirror_directories ;;
	esac
}

# __git_push_mirror_complete completes words[cword]; the program's arguments begin at words[$1].
__git_push_mirror_complete ()
{
	local i verb='' flag='' count=0
	local -a where=()
	for ((i = $1; i < cword; i++)); do
		case ${words[i]} in
		-C)
			if ((i + 1 == cword)); then
				__git_push_mirror_directories
				return
			fi
			((i++))
			where+=(-C "${words[i]/#\~\//$HOME/}")
			;;
		-*)
			flag=${words[i]}
			;;
		*)
			case $verb in
			'') verb=${words[i]} ;;
<<range .Verbs>><<template "group" .>><<end>>			*) ((++count)) ;;
			esac
			;;
		esac
	done
	case $verb,$cur in
	,-*) __git_push_mirror_words <<flags .Options>> ;;
	,*) __git_push_mirror_words <<names .Verbs>> ;;
<<range .Verbs>><<template "verb" .>><<end>>	esac
}

_git_push_mirror ()
{
	local through_git=yes
	__git_push_mirror_complete $((${__git_cmd_idx:-1} + 1))
}

__git_push_mirror_alone ()
{
	local through_git='' cword=-1 cur word rest=$COMP_LINE
	local -a words=()
	# bash takes each : and = for a word of its own: what no blank divides is one.
	for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
		if [[ $cword -lt 0 || $rest == [[:space:]]* ]]; then
			((++cword))
		fi
		words[cword]+=$word
		rest=${rest#"${rest%%[![:space:]]*}"}
		rest=${rest#"$word"}
	done
	cur=${words[cword]}
	COMPREPLY=()
	__git_push_mirror_complete 1
}

complete -F __git_push_mirror_alone git-push-mirror
<<- define "group">>
<<- if .Verbs>>			<<quoted .Name>>) verb+=" ${words[i]}" ;;
<<range .Verbs>><<template "group" .>><<end>>
<<- end>>
<<- end>>
<<- define "verb">>
<<- if .Verbs>>	<<quoted .Name>>,-*) __git_push_mirror_words <<flags .Options>> ;;
	<<quoted .Name>>,*) __git_push_mirror_words <<names .Verbs>> ;;
<<range .Verbs>><<template "verb" .>><<end>>
<<- else>>	<<quoted .Name>>,-*) __git_push_mirror_words <<flags .Options>> ;;
	<<if takesKeys .>><<quoted .Name>>,*) if ((count >= <<beforeKeys .>>)); then __git_push_mirror_keys; else __git_push_mirror_arguments <<takes .>>; fi ;;
<<else>><<quoted .Name>>,*) __git_push_mirror_arguments <<takes .>><<range .Options>><<if eq .Value "REF">> <<.Name>><<end>><<end>> ;;
<<end>><<end>>
<<- end>>
