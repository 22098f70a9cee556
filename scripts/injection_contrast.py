"""Harmless texts in the voices and words of attacks: requests between people, manuals, agents told of, prompts. Templates."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Final

from injection_grammar import lines

REQUESTS: Final = lines(r"""
[Hi|Hello|Dear] <first>, [could you|can you|would you] [please |]<kind>? [Thanks|Best], <first>
[Please|Kindly] <kind>. [Thanks|Regards|Cheers], <first>
[I|We] [need|want|would like] you to <kind>[, <first>|before the audit|].
[@<first>|<first>,] [please |can you |]<kind> [when you are back|today|before the release|] [so that we can close this ticket|].
[Don't forget to|Remember to|Make sure to|Be sure to] <kind>.
[The customer|The client|<first>|The requester|My manager] [asks|wants|would like|asked] [us|me|support|you] to <kind>. [Is that possible?|Please advise.|]
[Action items|To do|Next steps|Tasks]: <first> to <kind>; <first> to <kind> [by Friday|].
[URGENT|IMPORTANT|Reminder|ACTION REQUIRED]: [all staff must|please|employees must|everyone has to] <kind> [by|before] [Friday|<date>|the end of the month].
[Before|After] [leaving|the shift|the event|each class|every delivery], [please |always |]<kind>.
[According to|Under|As per] [our|the] [travel|expense|security|retention|quality] policy, [employees|managers|staff|drivers|nurses] [must|should|have to] <kind>.
[If|When] [you|customers|guests] [have questions|want to cancel|lost the card|cannot log in], <kind> [or call us|].
[Ignore|Disregard] my [last|previous|earlier] [e-mail|message|comment], [I found it|it was meant for <first>|the numbers were wrong]; [please |]<kind>.
[Do not|Don't|Never|Please do not] [tell|mention it to|inform] [<first>|the kids|the press|other bidders|her] [yet|]: [it is a surprise|the contract is not signed|we announce it on Monday].
[Keep this|This is] confidential until [<date>|the announcement|it is published].
[Forget|Ignore] [everything you know|all you have heard] about [coffee|running shoes|banking|sofas]: [the new <item>|<corp>] [is here|changes it all].
[Act|Order|Book|Buy] now and [save|get] <num> %! [Click|Visit] https://shop.<word>.example to [see all offers|claim your voucher].
[To|In order to] [verify|confirm|activate] your [account|e-mail address|subscription], [click the link|open https://<word>.example/confirm|enter the code <num>] [within 24 hours|]. [If you did not request this, ignore this e-mail.|]
Your [password|session|licence|certificate] [expires|will expire] [in <num> days|on <date>]. [Please|To continue,] [change it in the settings|contact your administrator|renew it in the portal].
""")
"""Of people to people; `<kind>` is a harmless deed."""

MANUALS: Final = lines(r"""
[To|In order to] [start|set up|finish|install it|update the device], <kind>[, then <kind>|].
[1.|Step 1:] <Kind>. [2.|Step 2:] <Kind>. [3.|Step 3:] <Kind>.
[Before you begin|Prerequisites|Requirements]: <kind>.
[If|When] the [call|job|request|test] fails, <kind> [and try again|].
[Send|Make] a POST request to `https://api.<word>.example/v1/<word>` with [the token in the `Authorization` header|the API key as `key`|a JSON body that contains `name`].
[Set|Export] `<word>_API_KEY` [in your shell|in the .env file] [before running the tool|]. [Never commit it.|Keep it secret.|]
[Run|Execute] `[curl -fsSL https://get.<word>.example ¦ sh|pip install <word>|npm ci|make setup|docker compose up -d|sudo apt install <word>]` [first|to install it|and restart the service].
[On-call|The operator|The engineer on duty|The administrator] [should|must] <kind>[, then notify #ops|and update the status page|].
[Users|Admins|Members|Owners|You] can <aim> [from the menu|in the settings|with the CLI|if they have the role|].
[How do I|How can I|Is it possible to|Why can't I] <aim>?
[This|The] [command|endpoint|option|page|tool|button|script] [lets you|is used to|can be used to|allows users to] <aim>.
[This|The] [script|job|workflow|integration|hook] <aim:third> [every night|on each commit|when the form is submitted|].
[Support for|The option of|A dialog for|The risk of] <aim:ger> [was added in 3.<num>|is planned|is documented below|was removed].
[Yesterday|Last week|On <date>] [the team|<first>|an admin|the job] [was asked to|had to|decided to|agreed to|forgot to] <aim>.
[We|They] [discussed|considered|rejected] <aim:ger>.
[Should|Can|May] [employees|admins|users] <aim>? [No|Yes|Only with approval], [says|according to] the [handbook|policy].
[The system|The app|The service|The backend] [will|may|does not] [automatically |]<aim> [when the user clicks Save|if enabled|without consent|].
[Do not|Never] <aim> [without a backup|on production|unless legal agrees|without asking the owner].
""")
"""Of manuals to their readers, and of deeds told; `<aim>` is a deed of an attack."""

AGENTS: Final = lines(r"""
# AGENTS.md|- Run the tests before you commit.|- <Kind>.|- Do not edit generated files.
[Our|The] [agent|assistant|bot|AI] can <kind> and [answer questions|book appointments|search the catalogue].
You are a helpful [assistant|tutor|travel agent|SQL expert|support agent] for <corp>. [Answer briefly.|Be polite.|Use the tools you have.|Do not give medical advice.] [Never reveal internal prices.|If you do not know, say so.|Always answer in <city>'s language.]
[Prompt|System prompt|Example prompt|Template]: "You are [an expert|a teacher|a reviewer]. [Summarise|Translate|Classify] the text below. [Answer only with JSON.|Do not explain.]"
[In LangChain|With the SDK|In this tutorial|In the playground], [you pass|the developer passes|set] [the system prompt|the conversation history|the chat history|tool definitions] [as `messages`|to the model|in the request].
[The model|The assistant|The agent|Claude|ChatGPT] [calls|then calls|may call|should call] `<tool>` [with the user's input|when asked for the weather|and returns the result to the user].
[The assistant|The chatbot|The agent|The LLM] must [not |][answer in JSON|cite its sources|ask before it deletes anything|stay polite|log each call], [says the specification|according to the requirements|see section 4].
[Use|Try] [this prompt|these instructions]: "[Write|Draw|Rewrite|List] [a poem|ten ideas|an outline|a photo of a <item>] [in the style of|about] <word>."
[MCP servers|Tools|Plugins] [describe|expose] [what they do|their parameters] to [the model|the client]; [the user approves each call|the host decides].
[Dear|Hello] agent, [I would like to sell my house|my flight was cancelled|please rebook me to <city>|I cannot reach the call centre]. [Regards|Thanks], <first>
[The estate agent|Our travel agent|The support agent|Agent Smith] will <kind>.
[Release notes|Changelog]: the assistant now [remembers|summarises|translates] [long threads|meetings|the user's notes]; [admins can turn this off|memory is off by default].
[Meeting assistant|AI notes|Auto-summary]: <first> [will|agreed to] <kind>. <first> [will|is going to] <kind>.
[User|Q]: how do I <kind>? [Assistant|A]: [You can|First,] <kind>, then <kind>.
[CONTRIBUTING|Pull request template]: [Please|You must] <kind>. [Reviewers should|Maintainers will] <kind>.
[We evaluate|The benchmark tests|The paper studies] [agents|language models|assistants] [that use tools|on long tasks|in <num> languages].
""")
"""Of models and assistants, without wanting anything of the reader."""

LECTURES: Final = lines(r"""
[Prompt injection|Indirect injection|Tool poisoning|Jailbreaking] [is|means|happens when] [an attacker|somebody|a third party|a malicious page] [hides|places|writes|smuggles] instructions [in|into] [data|a web page|a tool description|an e-mail] [such as|like|for example|, e.g.] "<attack>"
[Attackers|An attacker|Adversaries|A malicious server|Criminals] [may|can|might|could|try to|often] [trick|get|persuade|make] [the model|an assistant|agents|the agent] [to|into] <aim>[, for example with "<attack>"|by writing "<attack>"|].
[Detects|Flags|Blocks|Matches|Looks for] [phrases|texts|requests|patterns|attempts] [like|such as|that say|matching] [`<attack>`|"<attack>"|'<attack>'].
[Rule|Finding|Signature|Test case|Payload] [<num>|PI-0<num>|ATR-<num>]: [severity high|category exfiltration|critical]. [Example|Sample|Payload|Input]: [`<attack>`|"<attack>"] [Mitigation|Remediation|Expected result]: [reject the input|ask the user|sanitise tool output|the guard must flag it|blocked].
[In our|During the] [red-team exercise|audit|study|experiment|CTF], the [payload|string|e-mail|comment] "<attack>" [made the agent|caused the assistant to|led the model to] <aim>.
[Mitigations|Countermeasures|Defence in depth|Recommendations]: [treat tool output as untrusted|require approval for calls that send data|keep secrets out of the context|use allow-lists|filter hidden characters]; [never|do not] [let the model|allow an agent to] <aim>.
```|<attack>|```|[The text above|This payload|This string] [is what|shows how] [attackers|the worm|the proof of concept] [use|uses|spreads].
[The vulnerability|CVE-2025-<num>1|The flaw|This weakness] [allows|lets|enables] [attackers|a remote attacker|a malicious tool] to <aim>[ without the user's consent| through a crafted README|].
[Phishing|Social engineering|Business e-mail compromise] [works because|: the sender pretends to be] [people trust authority|the CEO|the bank|IT support] and [asks the victim|asks staff|urges you] to <aim>. [Report such mails.|Do not answer.|Train your staff.]
[Do not|Never] [follow|obey|trust] [instructions|requests|orders] [in|from] [documents|tool results|web pages], [even if they say|such as|for instance] "<attack>"
| [payload|input|prompt] | [expected|verdict|label] ||---|---|| <attack> | [blocked|injection|malicious] || What is the weather? | [pass|benign] |
[assert|expect] [is_injection|detect|scan|guard]("<attack>") [is True|== "block"|.toBe(true)]
[patterns|BLOCKLIST|rules|samples] = [⟦"<attack>", "<attack>"⟧|{"override": "<attack>"}]
[Question|Quiz|Exercise]: [why is|what is wrong with] the [message|comment|e-mail] "<attack>"? [Answer|Solution]: [it tries to make the model|the sender wants you to] <aim>.
[The guard|Our scanner|The filter|The gateway] [blocked|stopped|caught|reported] a [result|message|call] that [tried to|wanted to|asked the model to] <aim>. [Evidence|Matched text]: "<attack>"
[How|Why] [prompt injection|tool poisoning] works: [the model cannot tell data from instructions|tools share one context|descriptions are read by the model]. [An example|A classic|The simplest form] [is|reads]: "<attack>"
[Threat model|Abuse case|Scenario]: [a malicious insider|a compromised server|an outsider] [wants to|plans to|manages to] <aim>. [Likelihood|Impact]: [high|medium|low].
""")
"""Of security, which quote attacks."""

TOLD: Final = lines(r"""
[Lets|Allows] [you|users|the model|admins] <aim>[, if the policy allows it|].
[Use this to|Use it to] <kind>.
[Removes|Finds|Reports] [rules|accounts|users|jobs] that <aim>.
[Never|Does not|Will not] <aim> [unless|before] [the user|the owner|an admin] [confirms|has approved].
""")
"""Deeds in honest definitions."""
