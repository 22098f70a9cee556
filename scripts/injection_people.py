"""What people order people to do, in the words of attacks and many languages: only who is spoken to differs. Templates."""

# Lines hold the letters of their languages.
# ruff: noqa: E501, RUF001

from __future__ import annotations

from typing import Final

from injection_grammar import lines

ORDERS: Final = lines(r"""
Hi <first>, [please|could you please|can you|would you] <aim>? [Thanks|Cheers|Best], <first>
<first>, [please |kindly |]<aim> [today|before you leave|by Friday|when you are back|as discussed|]. [Do not wait for me.|I will confirm tomorrow.|Call me if anything is unclear.|]
[@<first>|<first>]: [can you|pls|please|could you] <aim>[?|, thx]
[<first> asked|The client asked|My manager asked|Finance wants] [me|us|you|the team|<first>] to <aim>. [Who can take this?|Is that fine with you?|I said yes.|]
[All staff|Employees|Nurses|Drivers|Managers|Volunteers|Tenants|Students|Night shift|New joiners|Cashiers] [must|should|have to|are asked to|are required to] <aim> [before|after|at] [each shift|closing|the visit|the exam|their first day].
[When|If|After|Before] [a customer|a guest|the driver|the inspector|a patient|the auditor] [calls|arrives|asks|complains|leaves], [the clerk|reception|the person on duty|staff|you] [must|should|has to|will] <aim>.
[Step|No.|§] <num>[:|.] [The operator|The engineer|The technician|The secretary|Reception|HR|The accountant] [must|should|shall|will] <aim>. [Step|No.] <num>[:|.] <Aim>. [Step|No.] <num>[:|.] [Sign the form|File the form|Report to the shift lead].
[Runbook|Procedure|SOP|Checklist|Policy|How-to] [<num>|for the weekend|for leavers|for outages]|1. <Aim>.|2. <Kind>.|3. <Aim>.|[Owner|Contact]: <first>
[Agenda|Minutes|Actions|Next steps|Decisions]|- <first> [to|will] <aim>|- <first> [to|will] <kind>|- [all|the team] to <aim> [by|before] <date>
- [ ] <aim>|- [x] <kind>|- [ ] <aim> (<first>)|- [ ] <kind>
TODO(<first>): <aim>[ before the release| once #<num> is merged|]
[fix|feat|chore|docs]: <aim> (#<num>)||[Reviewed-by|Co-authored-by]: <first> <<first>@<word>.example>
[As a user|As an admin|As a customer|As a support agent], I want to <aim> so that [I save time|the audit passes|nobody has to ask|I can work from home].
[Acceptance criteria|Requirements|Scope]|- [The system|The app|Users|Admins|The service] [can|must|should] <aim>|- [The system|Users] [can|must|should] <kind>
[IMPORTANT|URGENT|REMINDER|ATTENTION|NOTICE][:|!] [All users|Everyone|Customers|Members|Residents] [must|have to|need to|are asked to] <aim> [by <date>|before Monday|at once]. [Failure to do so will lead to a fee.|Otherwise access is suspended.|Thank you for your cooperation.|]
[Do not|Never|Please do not|Don't] tell [<first>|the client|the press|the other bidders|the kids|the landlord] [yet|about it|before Friday]. [Just|Only|Quietly] <kind> [and act normal|until then|].
[Forget|Ignore|Disregard] [my last mail|what I wrote this morning|the previous version|the earlier instructions from <first>|the old checklist|the instructions on the box]. [Instead|Now|Please], <aim>.
[According to|As per|Under|In line with] [the new policy|the contract|our house rules|the GDPR request|ISO 27001], [we|staff|contractors|the team|managers] [must|should|will] <aim>.
[Our|The] [bank|supplier|landlord|insurer|doctor|lawyer] [says|wrote|told me] we [should|have to|must] <aim>. [Can you do that?|What do you think?|I'd rather not.]
[Before you|After you|When you] [go on leave|open the shop|start the engine|call the client], [please |always |make sure to |remember to |don't forget to ][<aim>|<kind>].
[Training|Exercise|Lesson|Quiz] <num>: [you are the manager of a hotel|you work at a bank|your colleague is ill]. [What do you do first?|Write an e-mail.] [Possible answer|Solution]: <aim>.
[To|In order to] <aim>, [open Settings|go to the portal|call the hotline|fill in form <num>|ask your team lead] [and choose|then press|and select] [Share|Export|Delete|Invite|Save].
[Approved|Rejected|On hold]: [request <num>|<first>'s request] to <aim>. [Approver|By]: <first>. [Comment|Note]: [fine with me|only this once|needs a second signature].
[Voicemail|Note|Post-it|Text] from <first>: [please |can you ]<aim>[, I am in a meeting|, my phone is dying|, love you|].
[I've asked|We asked|They told] <first> to <aim>, [but nothing happened|and she did|and it took two weeks].
[Volunteers|Parents|Players|Guests|Members] [are kindly asked|are invited|are reminded|need] to <aim>.
""")
"""`<aim>` is a deed of an attack, `<kind>` a harmless one."""

FOREIGN: Final = {
    "de": lines("""
[Hallo|Liebe|Lieber|Guten Morgen] <first>, [bitte|kannst du bitte|sei so gut:] <deed>. [Danke|Viele Grüße|LG], <first>
[Alle Mitarbeitenden|Die Fahrer|Die Pflegekräfte|Neue Kollegen] [müssen|sollen] vor Schichtende das Formular ausfüllen. <first>: <deed>.
[Aufgabe|Ticket|Zu erledigen|Protokoll]: <deed> (zuständig: <first>, bis Freitag). Rückfragen an <first>.
[Vergiss|Ignorier] [meine letzte Mail|die alte Liste], <first>, [die Zahlen waren falsch|ich habe sie gefunden]. [Sag den Kindern nichts, es ist eine Überraschung.|Bitte <deed>.]
"""),
    "fr": lines("""
Bonjour <first>, [merci de|pourrais-tu s'il te plaît] [me rappeler|valider le devis|fermer la porte à clé]. Ensuite, <deed>. [Merci|Bonne journée], <first>
[Le personnel|Les chauffeurs|Les élèves] [doit|doivent] remettre la fiche avant vendredi. <first> : <deed>.
[Oublie|Ignore] mon dernier message, <first>, les chiffres étaient faux. [Ne dis rien aux enfants.|<Deed>.]
"""),
    "es": lines("""
Hola <first>: por favor, <deed>. [Gracias|Un saludo], <first>
[Los empleados|Los conductores|Todo el personal] [deben|tienen que] entregar el formulario antes del viernes. <first>: <deed>.
[Olvida|Ignora] mi último correo, <first>, las cifras estaban mal. [No se lo digas a los niños.|<Deed>.]
"""),
    "it": lines("""
Ciao <first>, per favore <deed>. [Grazie|Saluti], <first>
[Tutti i dipendenti|Gli autisti] devono consegnare il modulo entro venerdì. <first>: <deed>.
[Dimentica|Ignora] la mia ultima mail, <first>, i numeri erano sbagliati. [Non dirlo ai bambini.|<Deed>.]
"""),
    "pt": lines("""
Olá <first>, por favor, <deed>. [Obrigado|Abraço], <first>
[Os funcionários|Os motoristas] devem entregar o formulário até sexta. <first>: <deed>.
[Esqueça|Ignore] o meu último e-mail, <first>, os números estavam errados. [Não conte às crianças.|<Deed>.]
"""),
    "nl": lines("""
Hoi <first>, wil je alsjeblieft het formulier invullen? En <deed>. [Bedankt|Groetjes], <first>
[Alle medewerkers|Chauffeurs] moeten het formulier voor vrijdag inleveren. <first>: <deed>.
"""),
    "pl": lines("""
Cześć <first>, proszę, <deed>. [Dzięki|Pozdrawiam], <first>
[Wszyscy pracownicy|Kierowcy] muszą oddać formularz do piątku. <first>: <deed>.
"""),
    "ru": lines("""
Привет, <first>! Пожалуйста, <deed>. [Спасибо|С уважением], <first>
[Все сотрудники|Водители] должны сдать форму до пятницы. <first>: <deed>.
Забудь моё последнее письмо, <first>, цифры были неверные. [Не говори детям.|<Deed>.]
"""),
    "zh": lines("""
<first>，你好！请[周五前|尽快]<deed>。谢谢，<first>
[全体员工|所有司机]须在周五前提交表格。<first>：<deed>。
<first>，忽略我上一封邮件，数字有误。[别告诉孩子们。|<Deed>。]
"""),
    "ja": lines("""
<first>さん、お疲れ様です。金曜日までに<deed>。よろしくお願いします。<first>
[社員|運転手]は金曜日までに用紙を提出してください。<first>さん：<deed>。
"""),
    "ko": lines("""
<first>님, 안녕하세요. 금요일까지 <deed>. 감사합니다. <first>
모든 직원은 금요일까지 양식을 제출해야 합니다. <first>: <deed>.
"""),
    "tr": lines("""
Merhaba <first>, lütfen <deed>. [Teşekkürler|Sevgiler], <first>
Tüm çalışanlar formu cumaya kadar teslim etmelidir. <first>: <deed>.
"""),
}  # fmt: skip
"""`<deed>` is one of an attack."""
